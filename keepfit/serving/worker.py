"""Worker: one process that answers: its champion, its log, and what runs beside the requests."""

import asyncio
import gc
import logging
from pathlib import Path

from keepfit.serving.app import App
from keepfit.serving.changes import serve_champion
from keepfit.serving.keep import Log
from keepfit.serving.options import ServiceOptions

logger = logging.getLogger("bentoml.keepfit")


class Worker:
    """Answers by `app`, with the champion that lies in a folder, once it is made."""

    def __init__(self, champion: Path, options: ServiceOptions) -> None:
        """Raises BundleError, PackageError, RolloverError and LogError."""
        if options.insecure:
            logger.warning("INSECURE: every request is let in, without a key")
        self.app = App(options)
        self._watch = options.watch
        if options.log_folder:
            self.app.log = Log(options.log_folder, limit_bytes=options.log_limit, pii_key=options.pii_key)
        self._standby = serve_champion(self.app, champion)
        # uvicorn formats a line for each request where a handler is there to take it, whatever its level.
        logging.getLogger("uvicorn.access").propagate = False
        # A full collection over everything that was loaded is the longest pause that a request can meet.
        gc.collect()
        gc.freeze()

    def begin(self) -> None:
        """Start what runs beside the requests, in the running event loop."""
        self._beside = asyncio.ensure_future(self.app.keep_board())
        if self._watch:
            self._standby.start(self._watch)

    async def end(self) -> None:
        """Leave the last counts, and move what was logged to the database."""
        self._beside.cancel()
        self._standby.stop()
        if self.app.log:
            await asyncio.to_thread(self.app.log.close)
        self.app.board.leave(self.app.metrics.families())
