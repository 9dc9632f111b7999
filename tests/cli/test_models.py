"""`workbench models` as a person and as a program calls it."""

import json
import subprocess
import sys

from click.testing import CliRunner

from workbench.cli.models import MODELS, command
from workbench.models.counts import count


def test_json_holds_every_preset_with_its_exact_counts():
    result = CliRunner().invoke(command, ["--json"])
    assert result.exit_code == 0
    payload = json.loads(result.stdout)
    assert list(payload) == list(MODELS)
    for name, record in payload.items():
        counts = count(MODELS[name])
        assert record["n_params"] == counts.n_params
        assert record["n_params_non_embedding"] == counts.n_params_non_embedding
        assert record["flops_per_token_training"] == 3 * record["flops_per_token_forward"]
        assert record["flops_per_token_6n"] == 6 * counts.n_params
        assert record["config"]["d_head"] == MODELS[name].head_dim


def test_the_table_prints_exact_parameters_uncut():
    result = CliRunner().invoke(command, [])
    assert result.exit_code == 0
    for config in MODELS.values():
        assert f"{count(config).n_params:,}" in result.stdout


def test_torch_is_not_imported():
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom workbench.cli.models import command\n"
        "assert CliRunner().invoke(command, []).exit_code == 0\nsys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_models_figures_are_drawn_without_a_store(run, tmp_path):
    code, out, _ = run("figure", "model", "--set", "preset=gpt2-xl", "--out", tmp_path, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["command"] == "workbench figure model --set preset=gpt2-xl"
    assert set(found["figures"]) == {"model-parts", "model-memory"}
    code, _, err = run("figure", "curves", "--out", tmp_path)
    assert code == 2 and "STORE is missing" in err
