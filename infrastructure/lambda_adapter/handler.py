"""What Lambda calls: `lambda_adapter.handler.handler`. Importing this module is the cold start."""

from __future__ import annotations

from lambda_adapter import cold_start

with cold_start.paused_garbage_collection():
    from lambda_adapter.config import Settings
    from lambda_adapter.parameters import Reading

    _settings = Settings.from_environment()
    _reading = Reading(_settings.settings_path)
    cold_start.import_flask()

    from lambda_adapter import logs
    from lambda_adapter.application import load_application, use_temporary_instance_folder
    from lambda_adapter.lambda_handler import LambdaHandler

    use_temporary_instance_folder(_settings.temporary_folder)
    _log = logs.install(_settings.log_level)
    _reading.apply(_log)  # Before the application is imported: its modules may read them.
    handler = LambdaHandler(load_application(_settings.release.factory), _settings, _log)
