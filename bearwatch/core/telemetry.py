"""Switches off the reports that libraries send to their makers: nothing that bearwatch runs calls home.

Each library is switched off by its own means before it is imported. Only `models` and `training` import such
libraries, and both packages call `switch_off` when they are imported, before any of their modules.
"""

from collections.abc import MutableMapping
from typing import Any

SWITCHES = {
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime: its import stores an identifier of the machine and starts to report
    "HF_HUB_DISABLE_TELEMETRY": "1",  # huggingface_hub
    "DISABLE_SAFETENSORS_CONVERSION": "1",  # transformers asks the hub to convert weights that it has loaded
    "USE_HUB_KERNELS": "NO",  # transformers fetches machine code that a checkpoint's configuration names
    "WANDB_ERROR_REPORTING": "false",  # W&B reports its own errors, also of runs that stay on this machine
}


def switch_off(environ: MutableMapping[str, str], modules: MutableMapping[str, Any]) -> None:
    """Set every switch, also where the environment says otherwise; child processes inherit it.

    OpenVINO reports its import, and has a stub for where the package that does so is not installed: `None` in the
    table of modules makes it look so. A package that was imported before is left as it is.

    Args:
        environ: `os.environ`.
        modules: `sys.modules`.
    """
    environ.update(SWITCHES)
    modules.setdefault("openvino_telemetry", None)
