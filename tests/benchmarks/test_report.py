import re
import subprocess
import sys

import pytest

from benchmarks import report
from benchmarks.bench import ROOT
from benchmarks.report_parts import write_stamp, write_table
from benchmarks.report_plan import tabulate_plan
from benchmarks.report_scale import tabulate_scale, want_scale
from benchmarks.scale_curves import SECONDS, cells_of, draw_curve
from benchmarks.scale_pictures import draw_all
from benchmarks.scale_workspace import STAGES

FOLDER = ROOT / "benchmarks"
# Run by a Python of their own, which has what they import.
ELSEWHERE = {"evidently_windows"}


def cell(*seconds: float, peak: float = 0.5) -> dict:
    runs = [{"seconds": each, "peak_gb": peak} for each in seconds]
    return {"measured": {"date": "2026-11-26", "seed": 7, "cores": 2}, "runs": runs}


@pytest.fixture
def scale() -> dict:
    sizes = {"1000000": 10.0, "10000000": 200.0}
    stages = {rows: {"dask": {stage: cell(taken, 2 * taken) for stage in STAGES}} for rows, taken in sizes.items()}
    agreement = {"set_aside": 3, "agrees": True}
    return {"stages": stages, "tables": {"100000": {"polars": cell(1.0) | {"agreement": agreement}}}}


def test_the_committed_report_is_what_the_committed_results_give():
    assert (FOLDER / "README.md").read_text() == report.render(FOLDER), "`make bench-report` writes it anew"


def test_every_file_of_results_has_its_section_and_every_section_its_text():
    names = {section.name for section in report.SECTIONS}
    assert {path.stem for path in FOLDER.glob("*.json")} <= names
    assert {path.stem for path in FOLDER.glob("notes/*.md")} == names | {"intro"}


def test_every_picture_of_the_folder_is_in_the_report():
    shown = set(re.findall(r"\]\((\w+\.png)\)", (FOLDER / "README.md").read_text()))
    assert shown == {path.name for path in FOLDER.glob("*.png")}


def test_every_section_tells_how_to_measure_it_anew():
    made = (ROOT / "Makefile").read_text()
    for section in report.SECTIONS:
        word, _, rest = section.command.partition(" ")
        if word == "make":
            assert f"\n{rest.split()[0]}: " in made
        else:
            assert (FOLDER / f"{section.name}.py").exists()


def test_links_to_sections_lead_there():
    text = (FOLDER / "README.md").read_text()
    titles = {report.anchor(title) for title in re.findall(r"^## (.+)$", text, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= titles


def test_numbers_stand_to_the_right_and_what_is_missing_is_a_dash():
    assert write_table([{"name": "a", "n": 12345}, {"name": "b", "n": None}]).splitlines() == [
        "| name | n |",
        "| --- | --: |",
        "| a | 12,345 |",
        "| b | – |",
    ]


def test_the_stamp_begins_with_date_seed_and_machine():
    told = write_stamp({"pandas": "2.3.3", "cores": 2, "date": "2026-11-26", "seed": None})
    assert told == "date 2026-11-26, cores 2; pandas 2.3.3"


def test_the_slope_is_that_between_the_two_largest_sizes():
    cells = {10: cell(5.0), 1000: cell(1.0, 2.0, 9.0), 100_000: cell(200.0)}
    curve = draw_curve(cells, SECONDS)
    assert (curve.median, curve.least[1], curve.most[1]) == ((5.0, 2.0, 200.0), 1.0, 9.0)
    assert curve.slope == pytest.approx(1.0)
    assert draw_curve({10: cell(5.0)}, SECONDS).slope is None


def test_what_failed_is_no_point_of_a_curve_and_is_told_in_the_table(scale):
    scale["stages"]["10000000"]["dask"]["train"]["runs"] = [{"failed": "more than 16 GB after 60 s"}]
    curve = draw_curve(cells_of(scale["stages"], "dask", "train"), SECONDS)
    assert curve.rows == (1_000_000,)
    assert "more than 16 GB" in write_table(tabulate_scale(scale)[1].rows)


def test_how_busy_the_machine_was_is_told(scale):
    assert "others had" not in tabulate_scale(scale)[0].caption
    scale["stages"]["1000000"]["dask"]["train"]["runs"][0]["busy_before"] = 0.4
    assert "others had 40% of the machine" in tabulate_scale(scale)[0].caption


def test_a_promise_without_a_figure_is_not_reached(scale):
    assert [want.reached for want in want_scale(scale)] == [True, True]
    del scale["stages"]["10000000"]["dask"]["drift"]
    assert "no figure yet: drift" in want_scale(scale)[0].found
    assert not want_scale(scale)[0].reached


def test_a_contender_whose_tables_differ_is_named(scale):
    scale["tables"]["100000"]["polars"]["agreement"]["agrees"] = False
    assert want_scale(scale)[1].found == "polars differ"


def test_pictures_are_drawn_of_what_was_measured_and_alike_each_time(scale, tmp_path):
    names = draw_all(scale, tmp_path)
    assert names == ["scale_time.png", "scale_memory.png", "scale_tables.png"]
    before = [(tmp_path / name).read_bytes() for name in names]
    draw_all(scale, tmp_path)
    assert [(tmp_path / name).read_bytes() for name in names] == before


def test_every_module_of_the_benchmarks_can_be_imported():
    names = sorted({path.stem for path in FOLDER.glob("*.py")} - ELSEWHERE - {"__init__"})
    code = "; ".join(f"import benchmarks.{name}" for name in names)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_plan_multiplies_what_was_measured(scale):
    for stages in scale["stages"].values():
        for each in stages["dask"].values():
            each["written_bytes"] = 500_000_000
    every, once, bill = (table.rows for table in tabulate_plan(scale["stages"]))
    ingest = next(row for row in every if row["stage"] == "ingest")
    # 300 s for ten million rows on two cores are 30,000 s for a billion; 50 bytes a row are 50 GB.
    assert ingest["core-hours"] == pytest.approx(30_000 * 2 / 3600)
    assert (ingest["µs a row"], ingest["GB a day"]) == (pytest.approx(30.0), pytest.approx(50.0))
    assert next(row for row in once if row["stage"] == "train")["seconds"] == pytest.approx(13 * 300)
    assert bill[0]["GB stored"] == pytest.approx(50 * (30 + 1 + 1 + 1 + 30))


def test_there_is_no_plan_without_every_stage(scale):
    for stages in scale["stages"].values():
        del stages["dask"]["train"]
    assert tabulate_plan(scale["stages"]) == []
