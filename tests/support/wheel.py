"""The wheel of this checkout, or of a later version, and virtual environments that have it instead of the checkout."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.support.commands import CHECKOUT
from tests.support.later_revision import write_later_revision
from virus_warehouse import __version__

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-q")
LATER_VERSION = "99.0.0"
IN_THE_WHEEL = "include/virus_warehouse", "plugins/ncbi_virus"


def wheel_of(checkout: Path, folder: Path) -> Path:
    """Build a checkout's wheel in a folder."""
    subprocess.run([*PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, checkout], check=True)
    [wheel] = folder.glob("*.whl")
    return wheel


def wheel_of_later_version(folder: Path) -> Path:
    """Build the wheel of a version whose `ops.quarantine` has a column `note`."""
    checkout = folder / "checkout"
    for name in IN_THE_WHEEL:
        shutil.copytree(CHECKOUT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, checkout / name)
    package = checkout / "include" / "virus_warehouse"
    version = package / "__init__.py"
    version.write_text(version.read_text(encoding="utf-8").replace(__version__, LATER_VERSION), encoding="utf-8")
    write_later_revision(package / "warehouse" / "migrations" / "versions")
    return wheel_of(checkout, folder)


def install(wheel: Path, python: Path) -> None:
    """Install a wheel in the virtual environment of a Python, in place of another version."""
    subprocess.run([*PIP, "--python", python, "install", "--no-index", "--no-deps", wheel], check=True)


def environment_with(wheel: Path, folder: Path) -> Path:
    """Create a virtual environment with the locked packages and a wheel, and without the checkout.

    The packages are those of this environment, all but the project itself: nothing is downloaded.

    Returns:
        Its programs' folder.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    install(wheel, python)
    [packages] = folder.glob("lib/python3*/site-packages")
    for installed in Path(sysconfig.get_path("purelib")).iterdir():
        if not (
            installed.suffix == ".pth" or "virus_warehouse" in installed.name or (packages / installed.name).exists()
        ):
            (packages / installed.name).symlink_to(installed)
    return python.parent
