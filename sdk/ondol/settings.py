"""Where decisions about this machine lie: its administrator's and its user's."""

import os
import sys
from pathlib import Path


def system_folder() -> Path:
    """The administrator's folder; no variable moves it."""
    if sys.platform == "darwin":
        return Path("/Library/Application Support/Ondol")
    if sys.platform == "win32":
        return Path("C:/ProgramData/Ondol")
    return Path("/etc/ondol")


def user_folder() -> Path:
    """The user's folder: ONDOL_CONFIG, else where the system keeps such things."""
    chosen = os.environ.get("ONDOL_CONFIG")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Ondol"
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData/Roaming") / "Ondol"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "ondol"
