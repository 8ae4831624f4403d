"""`sweep.toml`: what it means, and everything in it that cannot be meant."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from ondol.errors import BadText, OptionError
from ondol_converters.recipe import Layout, Options
from ondol_converters.sweep.job import Job
from ondol_converters.sweep.spec import read
from ondol_converters.sweep.tables import options_of, table_of
from tiny_models import MODELS

GOOD = f"""
[models]
qwen = "{(MODELS / "qwen3").as_posix()}"
"라마" = "{(MODELS / "llama3").as_posix()}"
gone = "no/such.gguf"
[recipes.lossless]
[recipes.small]
weights = "int4"
context = 64
"""
MODEL, RECIPE = '[models]\nm = "m.gguf"\n', "[recipes.r]\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "sweep.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_model_meets_every_recipe_and_the_largest_comes_first(tmp_path: Path) -> None:
    sweep = read(written(tmp_path, GOOD))
    jobs = sweep.jobs()
    assert {(job.model, job.recipe) for job in jobs} == {
        (model, recipe) for model in ("qwen", "라마", "gone") for recipe in ("lossless", "small")
    }
    sizes = [job.source_bytes() for job in jobs]
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] == 0
    small = next(job for job in jobs if job.key == "qwen+small+cpu")
    assert small.options == Options("int4", 64)
    assert small.folder == tmp_path / "sweep" / "bundles" / "qwen+small+cpu"
    assert next(j.source for j in jobs if j.model == "gone") == str(tmp_path / "no" / "such.gguf")


def test_a_recipe_is_for_every_target(tmp_path: Path) -> None:
    recipes = "[recipes.plain]\n[recipes.small]\nactivations = 'a8w8'\n"
    jobs = read(written(tmp_path, 'targets = ["cpu", "npu"]\n' + MODEL + recipes)).jobs()
    said = {job.key: (job.options.target, job.options.activations) for job in jobs}
    assert said == {
        "m+plain+cpu": ("cpu", None),
        "m+plain+npu": ("npu", None),
        "m+small+cpu": ("cpu", None),
        "m+small+npu": ("npu", "a8w8"),
    }


def test_out_is_the_users_to_choose(tmp_path: Path) -> None:
    path = written(tmp_path, 'out = "a/b"\n' + MODEL + RECIPE)
    assert read(path).out == tmp_path / "a" / "b"
    assert read(path, Path("/elsewhere")).out == Path("/elsewhere")


def test_a_starter_is_known_by_its_name(tmp_path: Path) -> None:
    models = '[models]\na = "gemma-3-270m"\nb = "qwen"\n'
    sweep = read(written(tmp_path, models + RECIPE))
    assert sweep.models == {"a": "gemma-3-270m", "b": str(tmp_path / "qwen")}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "[models]"),
        (MODEL, "[recipes.lossless]"),
        (RECIPE, "[models]"),
        ("models = 3\n" + RECIPE, "table"),
        ("modles = 3\n" + MODEL + RECIPE, "models"),
        (MODEL + "[recipes.r]\nwieghts = 'auto'", "weights"),
        (MODEL + "[recipes.r]\nweights = 4", "4"),
        (MODEL + "[recipes.r]\nweights = 'int5'", "int5"),
        (MODEL + "[recipes.r]\ntarget = 'npu'", "targets"),
        (MODEL + "[recipes.r]\nactivations = 'a4w4'", "a4w4"),
        (MODEL + "[recipes.r]\ncontext = '64'", "64"),
        (MODEL + "[recipes.r]\ncontext = true", "True"),
        (MODEL + "[recipes.r]\ncontext = 1", "16"),
        (MODEL + "[recipes.r]\nbudget = 7", "700"),
        (MODEL + "[recipes.r]\ncalibration = 'a.txt'", "list"),
        (MODEL + "[recipes.r]\ncalibration = [1]", "path"),
        (MODEL + "[recipes.r]\nlayouts = {embedding = 3}", "table"),
        (MODEL + "[recipes.r]\nlayouts = {embedding = {bits = 4}}", "block"),
        (MODEL + "[recipes.r]\nlayouts = {embedding = {bits = 4, blok = 32}}", "block"),
        ("recipes = []\n" + MODEL, "table"),
        (MODEL + "[recipes]\nr = 1", "table"),
        ("[models]\nm = 3\n" + RECIPE, "path"),
        ("[models]\nm = ''\n" + RECIPE, "path"),
        ('[models]\nm = "a\\u0000b"\n' + RECIPE, "path"),
        ("[models]\n'../m' = 'm.gguf'\n" + RECIPE, "../m"),
        ("[models]\n'a/b' = 'm.gguf'\n" + RECIPE, "a/b"),
        ("[models]\n'.m' = 'm.gguf'\n" + RECIPE, ".m"),
        ("[models]\n'' = 'm.gguf'\n" + RECIPE, "''"),
        ("[models]\n'a+b' = 'm.gguf'\n" + RECIPE, "a+b"),
        ("[models]\nm = 'm.gguf'\nM = 'n.gguf'\n" + RECIPE, "'M'"),
        (MODEL + "[recipes.'r\\\\..']\n", "r"),
        ("targets = ['gpu']\n" + MODEL + RECIPE, "gpu"),
        ("targets = ['cpu', 'cpu']\n" + MODEL + RECIPE, "cpu"),
        ("targets = []\n" + MODEL + RECIPE, "cpu"),
        ("targets = 'cpu'\n" + MODEL + RECIPE, "cpu"),
        ("out = '..'\n" + MODEL + RECIPE, "--out"),
        ("out = 'a/../../b'\n" + MODEL + RECIPE, "--out"),
        ("out = '/etc/ondol'\n" + MODEL + RECIPE, "--out"),
        ("out = '.'\n" + MODEL + RECIPE, "--out"),
        ("out = 3\n" + MODEL + RECIPE, "folder"),
    ],
)
def test_what_cannot_be_meant_is_said(
    text: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONDOL_LANG", "en")
    with pytest.raises(OptionError) as caught:
        read(written(tmp_path, text))
    assert named in str(caught.value) and caught.value.fix


def test_a_link_leads_nowhere_either(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link").symlink_to(tmp_path)
    with pytest.raises(OptionError):
        read(written(inside, "out = 'link/out'\n" + MODEL + RECIPE))


@pytest.mark.parametrize(
    "data",
    [b"\xff\xfe[models]", b"[models", b"a = 1\na = 2", b"a=" + b"[" * 9000, b"#" * (2 << 20)],
)
def test_what_is_not_toml_is_said(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "sweep.toml"
    path.write_bytes(data)
    with pytest.raises(BadText):
        read(path)


def test_a_sweep_without_bounds_is_refused(tmp_path: Path) -> None:
    models = "[models]\n" + "".join(f"m{n} = 'm'\n" for n in range(101))
    recipes = "".join(f"[recipes.r{n}]\n" for n in range(100))
    with pytest.raises(OptionError, match="10,100"):
        read(written(tmp_path, models + recipes))


FULL = Options(
    weights="int4",
    context=128,
    vocabulary="ko-en",
    hanja=True,
    method="gptq",
    block=64,
    target="npu",
    activations="a8w8",
    kv_cache="int8",
    calibration=(Path("/texts/ko.txt"),),
    layouts={"layers.0.qkv": Layout(8, 32, "awq")},
)
SPENT = Options(budget=0.01, favor="speed")


def test_every_option_can_be_said_in_a_table(tmp_path: Path) -> None:
    for some in (Options(), SPENT):
        assert options_of(table_of(some), "t", tmp_path) == some
    table = json.loads(json.dumps(table_of(FULL)))
    assert options_of(table, "t", tmp_path) == FULL
    names = {field.name for field in fields(Options)}
    assert set(table_of(FULL)) | set(table_of(SPENT)) == names


def test_a_job_is_the_same_after_a_journey(tmp_path: Path) -> None:
    job = Job("m", "r", "cpu", str(tmp_path), FULL, tmp_path / "m+r+cpu")
    assert Job.parse(job.to_json()) == job


def test_a_job_is_another_when_its_inputs_are(tmp_path: Path) -> None:
    text = tmp_path / "ko.txt"
    text.write_text("가나다")
    options = Options(calibration=(text,))
    job = Job("m", "r", "cpu", str(MODELS / "qwen3"), options, tmp_path / "m")
    before = job.fingerprint()
    assert before == job.fingerprint()
    text.write_text("가나다라")
    assert before != job.fingerprint()
