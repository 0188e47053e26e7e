"""The machine: versions, device, Ray, disk, folders, and the network where that is asked for."""

import os
import platform
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from litmine.errors import LitmineError
from litmine.pipeline.doctor.finding import Finding, note, ok, wrong
from litmine.resources import litmine_home, packaged_path
from litmine.versions import versions

_LITTLE_DISK = 1e9
_PATIENCE_SECONDS = 20.0


def examine_environment(place: Path, *, network: bool = False, ray: bool = False) -> Iterator[Finding]:
    """What litmine has here; `place` is where the lake is or will be. With `ray` one is started and asked to work."""
    yield ok(
        "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    )
    yield _versions()
    yield _device()
    yield _ray_tried() if ray else _ray()
    yield _disk(_existing(place))
    yield _home()
    if network:
        yield _network()


def _versions() -> Finding:
    tested = _tested()
    found = {name: version.partition("+")[0] for name, version in versions().items()}
    other = [
        f"{name} {found[name]} (tested: {tested[name]})"
        for name in found
        if tested.get(name, found[name]) != found[name]
    ]
    if other:
        return note("versions", f"{', '.join(other)}; if something fails, `pip install -c constraints.txt litmine`")
    return ok("versions", ", ".join(f"{name} {version}" for name, version in found.items() if name != "python"))


def _tested() -> dict[str, str]:
    """The versions of `constraints.txt`."""
    listed = packaged_path("constraints.txt")
    if not listed.is_file():
        return {}
    pins = (line.split("==") for line in listed.read_text(encoding="utf-8").splitlines() if "==" in line)
    return {name.lower(): version for name, version in pins}


def _device() -> Finding:
    if find_spec("torch") is None:
        return note("device", "torch is not installed, so no model runs here; `pip install torch` if one should")
    import torch

    from litmine.nn.devices import bfloat16_is_fast

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    device = torch.device("cuda" if gpus else "cpu")
    precision = "bf16" if bfloat16_is_fast(device) else "float32"
    if gpus:
        names = (torch.cuda.get_device_properties(number) for number in range(gpus))
        told = ", ".join(f"{one.name} with {one.total_memory / 1e9:.0f} GB" for one in names)
        return ok("device", f"{gpus} GPU(s): {told}; models run in {precision}")
    capability = torch.backends.cpu.get_cpu_capability()
    fast = "" if precision == "bf16" else ", without AMX or AVX-512 BF16"
    return ok("device", f"no GPU that torch can use; a CPU with {capability}{fast}: models run in {precision}")


def _ray() -> Finding:
    if find_spec("ray") is None:
        return note("ray", "not installed, so work stays in one process; `pip install ray` for --workers and --gpus")
    return ok("ray", "installed, not started (--ray tries it)")


def _ray_tried() -> Finding:
    from litmine.runtime.ray_cluster import try_ray

    try:
        return ok("ray", f"started here, worked and stopped; it has {try_ray()}")
    except LitmineError as error:
        return wrong("ray", str(error))


def _existing(place: Path) -> Path:
    return next(folder for folder in (place, *place.parents) if folder.is_dir())


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    told = f"{free / 1e9:,.1f} GB free at {folder}"
    return ok("disk", told) if free >= _LITTLE_DISK else note("disk", f"{told}, which is little; free some space")


def _home() -> Finding:
    folder = litmine_home()
    if not os.access(_existing(folder.absolute()), os.W_OK):
        return wrong(
            "home", f"{folder} cannot be written, so no model can be kept there; set LITMINE_HOME to a folder that can"
        )
    return ok("home", f"{folder} can be written (models and corpora)")


def _network() -> Finding:
    from litmine.sources.entrez.client import EutilsClient
    from litmine.sources.entrez.eutils_settings import load_eutils_settings

    try:
        access = load_eutils_settings(patience=_PATIENCE_SECONDS)
        count = EutilsClient(access).search("all[sb]", 0).count
        return ok("network", f"PubMed answers at {access.host}: {count:,} records")
    except LitmineError as error:
        return wrong("network", str(error))
