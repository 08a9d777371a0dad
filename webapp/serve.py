"""The application under granian: worker processes that begin anew on SIGHUP."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from threading import Thread

from flask import Flask
from granian import Granian
from granian.constants import Interfaces, RuntimeModes
from granian.http import HTTP1Settings

from pipeline import logs
from pipeline.config import Config
from pipeline.config_file import load
from pipeline.supervisor import die_with_parent
from webapp import create_app, languages
from webapp.collector import make
from webapp.current import engine
from webapp.gateway import Gateway

#: A stream that a browser holds open must not keep a worker from ending.
KILL_SECONDS = 5
#: How long a connection may take to send its headers, in milliseconds.
HEADER_MS = 10_000
#: Connections that are served at once; those that are idle cost little.
CONNECTIONS = 4096


def serve(config: Config, config_file: Path | None, data: Path | None) -> None:
    """Serve until a signal ends it. Every worker reads the configuration itself."""
    server = Granian(
        "tallylog",
        address=config.web.host,
        port=config.web.port,
        interface=Interfaces.RSGI,
        workers=1,
        runtime_mode=RuntimeModes.mt,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MS),
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=KILL_SECONDS,
        log_dictconfig=logs.settings(config.log.format),
    )
    server.serve(target_loader=partial(_application, config_file, data), wrap_loader=False)


def _application(config_file: Path | None, data: Path | None) -> Gateway:
    die_with_parent()
    config = load(config_file, data)
    collector = make(config)
    collector.upkeep.start()
    app = create_app(config, collector.recorder.counts)
    Thread(target=prepare, args=(app,), daemon=True).start()
    return Gateway(collector, app)


def prepare(app: Flask) -> None:
    """Compile the templates, open the engine and read what the languages need, which would take
    more than half of the time of the first page."""
    for name in app.jinja_env.list_templates(extensions=["html"]):
        app.jinja_env.get_template(name)
    languages.prepare()
    with app.app_context():
        engine()
