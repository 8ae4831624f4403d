"""`ondol policy`: what this machine allows, and which file says so."""

from dataclasses import dataclass

from ondol.cli.options import Json
from ondol.cli.output import note, show_json, show_table
from ondol.language import say


@dataclass(frozen=True, slots=True)
class Place:
    """A file of rules: whose (system or user), where, and whether it is there."""

    owner: str
    path: str
    there: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that stands: its name, its value as TOML, and its file."""

    name: str
    value: str
    path: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where policies lie, and every rule that forbids something."""

    files: tuple[Place, ...]
    rules: tuple[Rule, ...]


def policy(json: Json = False) -> None:
    """Show the policy."""
    from ondol.policy import places, policies, there

    files = tuple(
        Place(owner, str(path), there(path))
        for owner, (path, _) in zip(("system", "user"), places(), strict=True)
    )
    rules = tuple(
        Rule(name, value, str(each.path))
        for each in policies()
        for name, value in each.standing().items()
    )
    if json:
        show_json(Standing(files, rules))
        return
    if rules:
        show_table(
            (say("rule", "규칙"), say("value", "값"), say("file", "파일")),
            [(rule.name, rule.value, rule.path) for rule in rules],
        )
    else:
        note(say("No policy: all is allowed.", "정책이 없어 모두 허용됩니다."))
    whose = {"system": say("administrator", "관리자"), "user": say("you", "사용자")}
    for place in files:
        state = say("there", "있음") if place.there else say("not there", "없음")
        note(f"{whose[place.owner]}: {place.path} ({state})")
