"""A saved question: a file with a header and a query.

The header consists of comments at the beginning of the file:

    -- question: New H5N1 from cattle in the USA
    -- key: accession
    -- inform: team, chat
    -- when: 0 7 * * 1
"""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from croniter import croniter

from virus_warehouse.atomic_file import write_text
from virus_warehouse.data_folder import CHECKOUT, DataFolder
from virus_warehouse.failure import UsageError
from virus_warehouse.removal import remove
from virus_warehouse.settings import SettingError

_FILE_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_ENTRY = re.compile(r"-- *(question|key|inform|when|saved by): *(.*?) *")
_LISTS = ("key", "inform")
_FORM = "new"
"""The address of the form, on the pages."""

MOST_QUESTIONS = 100
"""In the data folder: each is asked at every publication."""


class BrokenQuestion(UsageError):
    """A question's file is invalid; names it, and says what is wrong."""


@dataclass(frozen=True)
class Question:
    """A saved question.

    Attributes:
        name: its name, in snake_case.
        title: what it asks.
        sql: the query, without a semicolon at its end.
        key: the columns that identify a row of the answer; empty: all, so that rows are new or gone, but never changed.
        inform: the channels that are informed of changes.
        when: cron expression, in UTC, of when they are; empty: soon after each publication.
        saved_by: who saved it in the Console; empty for other files.
    """

    name: str
    title: str
    sql: str
    key: tuple[str, ...] = ()
    inform: tuple[str, ...] = ()
    when: str = ""
    saved_by: str = ""

    @property
    def fingerprint(self) -> str:
        """A hash of the query and its key: answers with another one cannot be compared."""
        return hashlib.sha256(repr((self.sql, self.key)).encode()).hexdigest()[:16]

    @property
    def text(self) -> str:
        """The contents of its file."""
        entries = {
            "question": self.title,
            "key": ", ".join(self.key),
            "inform": ", ".join(self.inform),
            "when": self.when,
            "saved by": self.saved_by,
        }
        head = "".join(f"-- {name}: {value}\n" for name, value in entries.items() if value)
        return f"{head}{self.sql.strip()};\n"


@dataclass
class Questions:
    """The saved questions.

    Attributes:
        valid: by name.
        errors: what is wrong with the others, by name.
    """

    valid: dict[str, Question] = field(default_factory=dict)
    errors: dict[str, BrokenQuestion] = field(default_factory=dict)


def saved_questions(data: DataFolder) -> Questions:
    """The questions of `VIRUS_QUESTIONS`, or `include/questions`, and of the data folder, in the order of their names.

    Args:
        data: the data folder.

    Raises:
        SettingError: when `VIRUS_QUESTIONS` names no folder.
    """
    read = Questions()
    for path in sorted(_files(data), key=lambda path: path.stem):
        try:
            if path.stem in {*read.valid, *read.errors}:
                raise BrokenQuestion(f"{path}: another file is named {path.name}, too; rename one")
            read.valid[path.stem] = read_question(path)
        except BrokenQuestion as error:
            read.errors[path.stem] = error
    return read


def _files(data: DataFolder) -> Iterator[Path]:
    if folder := _shared_folder():
        yield from folder.glob("*.sql")
    yield from data.questions.glob("*.sql")


def _shared_folder() -> Path | None:
    """The folder that `VIRUS_QUESTIONS` names, or `include/questions` of the checkout."""
    if given := os.environ.get("VIRUS_QUESTIONS"):
        if not Path(given).is_dir():
            raise SettingError(
                f"VIRUS_QUESTIONS is {given}, which is no folder; name the one with your saved questions"
            )
        return Path(given)
    return CHECKOUT / "include" / "questions" if CHECKOUT else None


def read_question(path: Path) -> Question:
    """The question of a file.

    Raises:
        BrokenQuestion: when it is invalid.
    """
    try:
        return parse_question(path.stem, path.read_text(encoding="utf-8"))
    except BrokenQuestion as error:
        raise BrokenQuestion(f"{path}: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BrokenQuestion(f"{path}: cannot be read ({error}); save it as UTF-8") from error


def parse_question(name: str, text: str) -> Question:
    """The question that a text has.

    Args:
        name: its name.
        text: header and query.

    Raises:
        BrokenQuestion: when it is invalid.
    """
    if not _FILE_NAME.fullmatch(name) or name == _FORM:
        raise BrokenQuestion(
            f"{name!r} is not a name; use small letters, digits and _, starting with a letter, at most 60"
        )
    entries: dict[str, str] = {}
    lines = text.splitlines()
    while lines and (lines[0].startswith("--") or not lines[0].strip()):
        if entry := _ENTRY.fullmatch(lines.pop(0)):
            if entry[1] in entries:
                raise BrokenQuestion(f"its header has {entry[1]!r} twice")
            entries[entry[1]] = entry[2]
    title, sql = entries.get("question", ""), "\n".join(lines).strip().removesuffix(";").strip()
    if not title:
        raise BrokenQuestion("its header has no title; begin with a line such as `-- question: New H5N1 from cattle`")
    if not sql:
        raise BrokenQuestion("it has no query after its header")
    when = entries.get("when", "")
    if when and not croniter.is_valid(when):
        raise BrokenQuestion(f"when is {when!r}; allowed is a cron expression such as `0 7 * * 1`, or nothing")
    key, inform = (tuple(filter(None, map(str.strip, entries.get(name, "").split(",")))) for name in _LISTS)
    return Question(name, title, sql, key, inform, when, entries.get("saved by", ""))


def save_question(data: DataFolder, question: Question) -> Path:
    """Save a question in the data folder, in place of an earlier one of that name there.

    Args:
        data: the data folder.
        question: the question.

    Returns:
        Its file.

    Raises:
        BrokenQuestion: when it is invalid, when the other folder has one of that name, or when there are too many.
    """
    folder = data.questions
    path, text = folder / f"{question.name}.sql", question.text
    if parse_question(question.name, text) != question:
        raise BrokenQuestion("title, key and channels must be in one line, and the query must not begin with a comment")
    others = [file for file in _files(data) if file != path]
    if question.name in {file.stem for file in others}:
        raise BrokenQuestion(f"another folder has {question.name}.sql already; choose another name")
    if len([file for file in others if file.parent == folder]) >= MOST_QUESTIONS:
        raise BrokenQuestion(f"there are {MOST_QUESTIONS} saved questions already; remove one from {folder}")
    write_text(path, text)
    return path


def remove_question(data: DataFolder, name: str) -> bool:
    """Remove a question from the data folder.

    Args:
        data: the data folder.
        name: its name.

    Returns:
        Whether it was there.
    """
    if not _FILE_NAME.fullmatch(name) or not (path := data.questions / f"{name}.sql").exists():
        return False
    remove(path)
    return True
