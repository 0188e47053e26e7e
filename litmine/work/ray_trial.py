"""Whether Ray works on this machine: started, given one task, stopped."""

import ray

from litmine.errors import SettingError
from litmine.work.ray_start import ray_running, reason


def try_ray() -> str:
    """What a Ray started here has to work with. Raises SettingError when it does not start or does not work."""
    try:
        with ray_running(1, 0, None):
            resources = ray.cluster_resources()
            ray.get(ray.remote(_work).remote(), timeout=120)
    except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        raise SettingError(
            f"Ray does not work here ({reason(error)}); leave --workers and --gpus out until it does"
        ) from error
    return f"{resources.get('CPU', 0):.0f} CPUs and {resources.get('GPU', 0):.0f} GPUs"


def _work() -> int:
    return 1
