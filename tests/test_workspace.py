from keepfit.workspace import has_remote, in_experiment


def test_a_repository_has_a_remote_once_one_is_configured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = tmp_path / ".dvc" / "config"
    config.parent.mkdir()
    config.write_text("[core]\n    analytics = false\n")
    assert has_remote() is False
    config.write_text("[core]\n    remote = store\n['remote \"store\"']\n    url = /somewhere\n")
    assert has_remote() is True


def test_dvc_names_the_experiment_that_a_stage_runs_in(monkeypatch):
    monkeypatch.delenv("DVC_EXP_NAME", raising=False)
    assert in_experiment() is False
    monkeypatch.setenv("DVC_EXP_NAME", "loose-loaf")
    assert in_experiment() is True
