"""Whether onnxruntime-qnn works here: run as a script in a process of its own."""

import os

NAME = "QNNExecutionProvider"


def main() -> None:
    """Load the plugin as a session would; any failure is this process's own."""
    import onnxruntime_qnn as plugin

    from ondol_runtimes._onnxruntime import ort

    ort.set_default_logger_severity(4)
    ort.register_execution_provider_library(NAME, plugin.get_library_path())
    if all(each.ep_name != NAME for each in ort.get_ep_devices()):
        raise RuntimeError("no device")
    os._exit(0)  # nothing of a plugin is left to crash when the process ends


if __name__ == "__main__":
    main()
