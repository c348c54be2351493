"""Changes: what of a running service may change without a restart, put together from its options."""

from pathlib import Path

import msgspec

from keepfit.serving.app import App, Neighbours
from keepfit.serving.asked import NOTHING
from keepfit.serving.beside import Beside
from keepfit.serving.canary import MARKER, Canary
from keepfit.serving.options import ServiceOptions
from keepfit.serving.origin import trace_origin
from keepfit.serving.predict import predict
from keepfit.serving.rollover import Place
from keepfit.serving.served import Served, load_served
from keepfit.serving.shadow import Shadow
from keepfit.serving.standby import Standby
from keepfit.serving.trial import try_model


def load_warm(folder: Path, options: ServiceOptions) -> Served:
    """Load a champion, and have it answer its own example: what is slow the first time is behind it.

    Raises BundleError, PackageError and Refusal.
    """
    served = load_served(folder, options)
    if served.servable:
        body = msgspec.json.encode({"rows": served.servable.example})
        for _ in range(2):
            predict(served, served.checks.read(body), NOTHING)
    return served


def load_tried(folder: Path, options: ServiceOptions) -> Served:
    """Load a champion while another answers; raise RolloverError where its model does not load."""
    served = load_warm(folder, options)
    if served.scorer.compiled:
        try_model(folder)
    return served


def serve_champion(app: App, champion: Path) -> Standby:
    """Have `app` answer by what lies in `champion`, and return what keeps it up with that and with its options.

    Raises BundleError, PackageError, RolloverError, LogError and Refusal.
    """
    options = app.options
    place: Place[Served] = Place(
        champion, load=lambda folder: load_tried(folder, options), install=_replacing(app), optional=False
    )
    served = app.served = place.begin(lambda folder: load_warm(folder, options))
    if app.log:
        app.log.prepare(served)
    app.metrics.expect(served.passport.task)
    beside = _make_beside(options)
    app.beside = beside
    challenger: Place[Served] | None = None
    if beside and options.challenger:
        challenger = Place(
            options.challenger,
            load=lambda folder: load_tried(folder, options),
            install=lambda found: beside.install(found, found.digest if found else ""),
            optional=True,
        )
    standby = Standby(trace_origin(served.passport), champion=place, challenger=challenger, beside=beside)
    if options.drift_report:
        standby.read_report(options.drift_report)
    app.metrics.sources.append(standby.families)
    return standby


def _replacing(app: App):
    def install(served: Served | None) -> None:
        app.served = served
        if served:
            app.metrics.expect(served.passport.task)

    return install


def _make_beside(options: ServiceOptions) -> Neighbours | None:
    if options.challenger is None:
        return None
    marker = options.canary_file or (options.log_folder and options.log_folder / MARKER)
    return Beside(Canary(options, marker), Shadow(), share=options.shadow)
