import pytest

from keepfit.drill import run_drill, set_scene
from keepfit.errors import DrillError
from tests.monitored import calm_rows, champion, numbered_settings, numbering


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory):
    settings, rows = numbered_settings(), numbering(calm_rows())
    bundle = champion(tmp_path_factory.mktemp("timeless"), settings, rows=rows)
    return set_scene(bundle, rows, settings, feature="x")


@pytest.mark.parametrize(
    ("fault", "verdict"), [("none", "ok"), ("missing-column", "data-quality"), ("new-category", "data-quality")]
)
def test_a_table_without_a_time_is_drilled_like_any_other(scene, fault, verdict):
    assert run_drill(fault, scene).report["verdict"] == verdict


def test_without_a_time_no_day_can_come_twice(scene):
    with pytest.raises(DrillError, match="duplicated day: no column is a time"):
        run_drill("duplicated-day", scene)
