"""The text of an expression: from it to a syntax tree, and from a place in the tree back to the text."""

import ast
import re
import tokenize
import unicodedata
import warnings

MOST_CHARACTERS = 4096
_WHITE = re.compile(r"[\t\n\r\f]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")
_MARKS = ("Mn", "Me")  # what stands on the letter before
_MEDIAL_AND_FINAL_JAMO = frozenset(map(chr, range(0x1160, 0x1200)))  # what one syllable is made of, with the one before
_MOST_SHOWN_BEFORE = 60
_MOST_SHOWN = 100


class InvalidExpression(Exception):
    """An expression that is not allowed: what is wrong, then the expression, and a caret under the place."""

    def __init__(self, problem: str, text: str, place: int) -> None:
        super().__init__(problem, text, place)
        self.problem = problem
        self._text = text
        self._place = place

    def __str__(self) -> str:
        first = max(0, self._place - _MOST_SHOWN_BEFORE)
        shown = printed(self._text[first : first + _MOST_SHOWN])
        before = sum(map(_columns, shown[: self._place - first]))
        return f"{self.problem}\n  {shown}\n  {' ' * before}^"


class Source:
    """The text of one expression, its white space made blanks, so that nothing in it ends a line."""

    def __init__(self, text: str) -> None:
        """Take the text. Raises InvalidExpression where it is too long, or holds what no line may hold."""
        self._written = text
        self.text = _WHITE.sub(" ", text)
        self._line = self.text.lstrip(" ")
        self._indent = len(self.text) - len(self._line)
        strange = _CONTROL.search(text)
        if len(text) > MOST_CHARACTERS:
            raise self.error(f"longer than {MOST_CHARACTERS:,} characters", MOST_CHARACTERS)
        if strange:
            raise self.error(f"a character that is not allowed (U+{ord(strange[0]):04X})", strange.start())
        if not self._line:
            raise self.error("the expression is empty", 0)

    def error(self, problem: str, place: ast.expr | int) -> InvalidExpression:
        """Return the error that says this of a place."""
        return InvalidExpression(problem, self.text, place if isinstance(place, int) else self.span(place)[0])

    def too_deep(self) -> InvalidExpression:
        """Return the error that it is nested deeper than Python's stack is from here."""
        return self.error("nested too deeply", 0)

    def span(self, node: ast.expr) -> tuple[int, int]:
        """Return where in the text a node of its tree begins and ends, in characters."""
        line = self._line.encode()
        begin, end = (len(line[:offset].decode()) for offset in (node.col_offset, node.end_col_offset or 0))
        return self._indent + begin, self._indent + end

    def written(self, node: ast.expr) -> str:
        """Return what is written for a node of its tree."""
        begin, end = self.span(node)
        return self.text[begin:end]

    def has_line_break(self, node: ast.expr) -> bool:
        """Tell whether there is white space other than blanks in what is written for a node."""
        begin, end = self.span(node)
        return bool(_WHITE.search(self._written, begin, end))

    def tree(self) -> ast.expr:
        """Return the syntax tree. Raises InvalidExpression."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                tree = ast.parse(self._line, mode="eval").body
        except SyntaxError as error:
            offset = len(self._line) + 1 if error.offset == 0 else error.offset or 1  # 0: the text ends too early
            place = min(self._indent + max(0, offset - 1), len(self.text))
            raise self.error(f"{error.msg}; docs/rules.md says what is allowed", place) from None
        except (RecursionError, MemoryError):
            raise self.too_deep() from None
        self._refuse_tokens()
        return tree

    def _refuse_tokens(self) -> None:
        """Refuse what the syntax tree does not show: comments, and two texts side by side, which Python makes one."""
        tokens = tokenize.generate_tokens(iter([self._line]).__next__)
        previous = None
        for token in tokens:
            if token.type == tokenize.COMMENT:
                raise self.error("comments are not allowed", self._indent + token.start[1])
            if token.type == previous == tokenize.STRING:
                raise self.error("a comma is missing between two texts", self._indent + token.start[1])
            previous = token.type


def printed(text: str) -> str:
    """Return the text with one sign in the place of each character that cannot be printed in one line."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _columns(character: str) -> int:
    """Return how many columns of a terminal a character takes."""
    if unicodedata.category(character) in _MARKS or character in _MEDIAL_AND_FINAL_JAMO:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
