"""Succession: how a gate's decision becomes the champion's folder and a record of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from keepfit.bundle import Bundle, copy_bundle, read_champion, write_none
from keepfit.errors import ChampionMissing
from keepfit.files import read_json, restore, write_json
from keepfit.gate import Decision
from keepfit.workspace import in_experiment


def find_champion(
    folder: Path, record: Path, challenger: Bundle, *, may_be_fetched: Callable[[], bool] = lambda: True
) -> Bundle | None:
    """Return the champion, or None where there was never one.

    A clone has the record of the gate, but not the folder, or what an experiment left in its place.
    Where the challenger was made by the recorded champion's recipe, it is the champion, and takes its
    place. Where another recipe made it, and there is no remote that may hold it, this clone starts a line
    of champions of its own. Raises ChampionMissing where there is one, and BundleError where the folder
    is broken.
    """
    restore(folder)
    champion, recorded = read_champion(folder), _recorded(record)
    if champion is not None or recorded is None:
        return champion
    kept = read_champion(keepsake(folder))
    if kept is not None and kept.digest == recorded["digest"]:
        copy_bundle(kept, folder)
        return read_champion(folder)
    if recorded["version"] == challenger.passport.version:
        copy_bundle(challenger, folder)
        copy_bundle(challenger, keepsake(folder))
        return read_champion(folder)
    if in_experiment() or not may_be_fetched():
        return None
    raise ChampionMissing(
        f"{record} names champion {recorded['version']}, which is not in {folder}, and the challenger is "
        f"{challenger.passport.version}: fetch the champion (`dvc pull {folder}`), make it again "
        f"(`git stash && make repro && git stash pop`), or delete {record} to start without one"
    )


def keepsake(folder: Path) -> Path:
    """Return where a copy of the champion is kept that DVC does not know of.

    `dvc checkout`, and so every experiment, removes the outputs of the datasets that are not in use.
    """
    return folder.with_name(f".{folder.name}.keepsake")


def stands(record: Path, challenger: Bundle, champion: Bundle | None) -> bool:
    """Whether the challenger is the champion already: then the decision that made it one stands.

    The record is brought up to this machine's digest, which may differ for the same recipe elsewhere.
    """
    if champion is None or champion.digest != challenger.digest:
        return False
    if (_recorded(record) or {}).get("version") != champion.passport.version:
        return False
    write_json(record, {**read_json(record), "champion": _name(champion)})
    return True


def succeed(decision: Decision, challenger: Bundle, champion: Bundle | None, *, folder: Path, record: Path) -> None:
    """Record the decision, then let it take effect, unless DVC runs an experiment.

    A champion that an experiment did without stays on record.
    """
    replaced = decision.promote and not in_experiment()
    after = challenger if replaced else champion
    write_json(
        record,
        {
            "decision": "promote" if decision.promote else "keep",
            "replaced": replaced,
            "why": decision.why,
            "challenger": _name(challenger),
            "champion": _name(after) or _recorded(record),
            "previous": _name(champion),
            "checks": [check.model_dump() for check in decision.checks],
            "champion_metrics": decision.champion_metrics,
        },
    )
    if replaced:
        copy_bundle(challenger, folder)
        copy_bundle(challenger, keepsake(folder))
    elif champion is None:
        write_none(folder, decision.why)


def _recorded(record: Path) -> dict[str, Any] | None:
    return (read_json(record) or {}).get("champion")


def _name(bundle: Bundle | None) -> dict[str, Any] | None:
    if bundle is None:
        return None
    passport = bundle.passport
    return {"version": passport.version, "digest": bundle.digest, "trained_until": passport.trained_on.last}


def replace_by_hand(bundle: Bundle, *, folder: Path, record: Path, decision: str, why: str) -> None:
    """Make a bundle the champion because a person says so, and record who was there before.

    The record's challenger stays, since a gate that has judged it does not judge it again.
    """
    said, current = read_json(record) or {}, read_champion(folder)
    copy_bundle(bundle, folder)
    copy_bundle(bundle, keepsake(folder))
    told = {"decision": decision, "replaced": True, "why": why, "challenger": said.get("challenger")}
    names = {"champion": _name(bundle), "previous": _name(current)}
    write_json(record, {**told, **names, "checks": [], "champion_metrics": None})
