import pytest

from keepfit.bundle import Bundle
from keepfit.drill import Scene, run_drill, set_scene
from keepfit.errors import DrillError
from keepfit.settings import Settings
from tests.monitored import calm_rows, numbering


@pytest.fixture(scope="module")
def scene(timeless: Bundle, numbered: Settings) -> Scene:
    return set_scene(timeless, numbering(calm_rows()), numbered, feature="x")


@pytest.mark.parametrize(
    ("fault", "verdict"), [("none", "ok"), ("missing-column", "data-quality"), ("new-category", "data-quality")]
)
def test_a_table_without_a_time_is_drilled_like_any_other(scene, fault, verdict):
    assert run_drill(fault, scene).report["verdict"] == verdict


def test_without_a_time_no_day_can_come_twice(scene):
    with pytest.raises(DrillError, match="duplicated day: no column is a time"):
        run_drill("duplicated-day", scene)
