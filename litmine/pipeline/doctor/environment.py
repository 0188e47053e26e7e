"""Check the machine: versions, device, Ray, disk space, folders, and on request the network."""

import os
import platform
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from litmine.errors import LitmineError
from litmine.pipeline.count_format import format_count
from litmine.pipeline.doctor.finding import Finding, note, ok, wrong
from litmine.resources import litmine_home, packaged_path
from litmine.versions import versions

_MIN_FREE_BYTES = 1e9
_PATIENCE_SECONDS = 20.0


def examine_environment(lake_folder: Path, *, network: bool = False, ray: bool = False) -> Iterator[Finding]:
    """Yield findings about the machine. `lake_folder` need not exist.

    network: send a request to PubMed.
    ray: start Ray, run a task on it, and stop it.
    """
    yield ok(
        "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    )
    yield _versions()
    yield _device()
    yield _ray_trial() if ray else _ray()
    yield _disk(_nearest_folder(lake_folder))
    yield _home()
    if network:
        yield _network()


def _versions() -> Finding:
    tested = _tested_versions()
    found = {name: version.partition("+")[0] for name, version in versions().items()}
    other = [
        f"{name} {found[name]} (tested: {tested[name]})"
        for name in found
        if tested.get(name, found[name]) != found[name]
    ]
    if other:
        return note("versions", f"{', '.join(other)}; if something fails, run `pip install -c constraints.txt litmine`")
    return ok("versions", ", ".join(f"{name} {version}" for name, version in found.items() if name != "python"))


def _tested_versions() -> dict[str, str]:
    """The versions in `constraints.txt`, by package name in lower case."""
    constraints = packaged_path("constraints.txt")
    if not constraints.is_file():
        return {}
    pins = (line.split("==") for line in constraints.read_text(encoding="utf-8").splitlines() if "==" in line)
    return {name.lower(): version for name, version in pins}


def _device() -> Finding:
    if find_spec("torch") is None:
        return note("device", "no model can run here, because torch is not installed; run `pip install torch`")
    import torch

    from litmine.nn.devices import bfloat16_is_fast

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    device = torch.device("cuda" if gpus else "cpu")
    precision = "bf16" if bfloat16_is_fast(device) else "float32"
    if gpus:
        properties = (torch.cuda.get_device_properties(number) for number in range(gpus))
        names = ", ".join(f"{gpu.name} with {gpu.total_memory / 1e9:.0f} GB" for gpu in properties)
        return ok("device", f"{format_count(gpus, 'GPUs')} ({names}); models run in {precision}")
    capability = torch.backends.cpu.get_cpu_capability()
    slow = "" if precision == "bf16" else " without AMX or AVX-512 BF16"
    return ok("device", f"CPU with {capability}{slow}, no GPU that torch can use; models run in {precision}")


def _ray() -> Finding:
    if find_spec("ray") is None:
        return note("ray", "not installed; run `pip install ray` to use --workers and --gpus")
    return ok("ray", "installed; use --ray to test it")


def _ray_trial() -> Finding:
    from litmine.runtime.ray_cluster import check_ray

    try:
        return ok("ray", f"started, ran a task and stopped; it has {check_ray()}")
    except LitmineError as error:
        return wrong("ray", str(error))


def _nearest_folder(path: Path) -> Path:
    """The folder itself, or the nearest one above it that exists."""
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    message = f"{free / 1e9:,.1f} GB free at {folder}"
    return ok("disk", message) if free >= _MIN_FREE_BYTES else note("disk", f"only {message}; free some space")


def _home() -> Finding:
    folder = litmine_home()
    if not os.access(_nearest_folder(folder.absolute()), os.W_OK):
        return wrong(
            "home", f"{folder}, the folder of models and corpora, is not writable; set LITMINE_HOME to one that is"
        )
    return ok("home", f"{folder}, the folder of models and corpora, is writable")


def _network() -> Finding:
    from litmine.sources.entrez.client import EutilsClient
    from litmine.sources.entrez.eutils_settings import load_eutils_settings

    try:
        settings = load_eutils_settings(patience=_PATIENCE_SECONDS)
        count = EutilsClient(settings).search("all[sb]", 0).count
        return ok("network", f"PubMed answers at {settings.host}: {count:,} records")
    except LitmineError as error:
        return wrong("network", str(error))
