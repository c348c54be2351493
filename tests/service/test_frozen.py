import subprocess
import sys
from pathlib import Path

import pytest

from keepfit.errors import RolloverError
from keepfit.serving.frozen import FrozenSources

PROGRAM = """
import sys
from pathlib import Path
from keepfit.serving.frozen import freeze_code
root = Path(sys.argv[1])
sys.path.insert(0, str(root))
freeze_code(root, ["shop"])
import shop.early
for file in root.rglob("*.py"):
    file.write_text("WHICH = 'new'")
(root / "shop/added.py").write_text("WHICH = 'new'")
import shop.late, shop.inner.late
print(shop.early.WHICH, shop.late.WHICH, shop.inner.late.WHICH, shop.late.__file__)
import shop.added
print(shop.added.WHICH)
"""


def write(root: Path) -> None:
    for name in ("__init__", "early", "late", "inner/__init__", "inner/late"):
        file = root / "shop" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("WHICH = 'old'")


def test_what_is_imported_late_is_what_was_there_at_the_start(tmp_path: Path):
    write(tmp_path)
    done = subprocess.run([sys.executable, "-c", PROGRAM, tmp_path], capture_output=True, text=True)
    assert done.stdout.split("\n")[0] == f"old old old {tmp_path}/shop/late.py", done.stderr
    # A module that the old code does not know is nobody's late import.
    assert done.stdout.split("\n")[1] == "new"


def test_what_is_replaced_while_a_process_starts_is_told(tmp_path: Path):
    write(tmp_path)
    frozen = FrozenSources(tmp_path, ["shop"])
    frozen.require_unchanged()
    (tmp_path / "shop/late.py").write_text("WHICH = 'new'")
    with pytest.raises(RolloverError, match=r"shop/late\.py: replaced while this process started"):
        frozen.require_unchanged()
    (tmp_path / "shop/late.py").unlink()
    with pytest.raises(RolloverError, match=r"shop/late\.py"):
        frozen.require_unchanged()


def test_other_packages_are_none_of_its_business(tmp_path: Path):
    write(tmp_path)
    frozen = FrozenSources(tmp_path, ["shop"])
    assert frozen.find_spec("json") is None
    assert frozen.find_spec("shop.missing") is None
    assert frozen.find_spec("shop.inner").submodule_search_locations == [str(tmp_path / "shop/inner")]
