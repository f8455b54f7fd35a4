"""Finds the small faults that can be put into a module, one at a time.

In: source text. Out: `Mutant`s, each with the text of the statement before and after, and the module's text with it.
A fault changes one thing: a comparison, a boolean operator, a number by one, an arithmetic operator, a condition into
its opposite, the order of two arguments, a function into its counterpart, or it drops a statement or a bound. Left
alone is what no run can show to be wrong: annotations, docstrings, asserts, texts, `strict=` of zip, an assert too, and
the order of what the smallest or largest is taken of.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

__all__ = ["Mutant", "find_mutants", "text_of"]

Step = tuple[str, int | None]
"""A field of a node, and the place in it if it is a list."""


class Mutant(NamedTuple):
    """One fault: where it is, and how its statement (of a compound one, its head) reads without and with it.

    `path` leads from the module to the statement; `statement` is what stands there instead.
    """

    file: str
    function: str
    line: int
    before: str
    after: str
    path: tuple[Step, ...]
    statement: ast.stmt

    def __str__(self) -> str:
        before, after = _around_the_difference(self.before, self.after)
        return f"{self.file}:{self.line} {self.function}: {before}  ->  {after}"


_CONTEXT = 80
"""Characters shown around the difference of two long statements."""


def _around_the_difference(one: str, other: str) -> tuple[str, str]:
    """Return two texts without what is far from where they differ."""
    start = _length_of_common(one, other)
    end = _length_of_common(one[start:][::-1], other[start:][::-1])
    left = start - _CONTEXT if start > 2 * _CONTEXT else 0

    def cut(text: str) -> str:
        right = min(len(text), len(text) - end + _CONTEXT)
        return ("..." if left else "") + text[left:right] + ("..." if right < len(text) else "")

    return cut(one), cut(other)


def _length_of_common(one: str, other: str) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


_BODIES = ("body", "orelse", "finalbody", "handlers", "cases")
_ORDERINGS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}


def _either_way(*pairs: tuple[str, str]) -> dict[str, str]:
    return {one: other for pair in pairs for one, other in (pair, pair[::-1])}


_FUNCTIONS = _either_way(("min", "max"), ("any", "all"), ("bisect_left", "bisect_right"), ("floor", "ceil"))
_METHODS = _either_way(
    ("startswith", "endswith"),
    ("lstrip", "rstrip"),
    ("removeprefix", "removesuffix"),
    ("find", "rfind"),
    ("index", "rindex"),
    ("partition", "rpartition"),
)


def find_mutants(file: str, source: str) -> list[Mutant]:
    """Return every fault that can be put into a module, in the order of its text."""
    return list(_in_body(file, ast.parse(source), (), ""))


def text_of(source: str, mutant: Mutant) -> str:
    """Return the module's text with the fault in it."""
    tree: Any = ast.parse(source)
    owner = tree
    for step in mutant.path[:-1]:
        owner = _child(owner, step)
    old = _child(owner, mutant.path[-1])
    new: Any = copy.deepcopy(mutant.statement)
    if type(new) is type(old):
        for name in _BODIES:
            if hasattr(old, name) and not _is_handler_fault(old, new, name):
                setattr(new, name, getattr(old, name))
    _put(owner, mutant.path[-1], new)
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def _is_handler_fault(old: ast.AST, new: ast.AST, name: str) -> bool:
    """Whether it is the body itself that a fault replaced: that of an exception handler."""
    return isinstance(old, ast.ExceptHandler) and name == "body"


def _child(node: Any, step: Step) -> Any:
    name, at = step
    return getattr(node, name) if at is None else getattr(node, name)[at]


def _put(node: Any, step: Step, child: object) -> None:
    name, at = step
    if at is None:
        setattr(node, name, child)
    else:
        getattr(node, name)[at] = child


def _in_body(file: str, node: ast.AST, path: tuple[Step, ...], function: str) -> Iterator[Mutant]:
    """Yield the faults of all statements within a node."""
    for name in _BODIES:
        for at, child in enumerate(getattr(node, name, None) or []):
            if _is_left_alone(child):
                continue
            below = (*path, (name, at))
            owner = function
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                owner = f"{function}.{child.name}".lstrip(".")
            head = _head_of(child)
            before = _text(head)
            for faulty in _faults_of(head, bool(function)):
                after = _text(faulty)
                if after != before:
                    yield Mutant(file, owner or "<module>", _line_of(child), before, after, below, faulty)
            yield from _in_body(file, child, below, owner)


def _line_of(node: Any) -> int:
    return int(node.pattern.lineno if isinstance(node, ast.match_case) else node.lineno)


def _is_left_alone(node: ast.AST) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Assert | ast.Global | ast.Nonlocal | ast.Pass):
        return True
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"


def _head_of(node: Any) -> Any:
    """Return a copy of a statement without what stands in its body."""
    bodies = {name: getattr(node, name) for name in _BODIES if hasattr(node, name) and not isinstance(node, ast.Lambda)}
    for name in bodies:
        setattr(node, name, [])
    head = copy.deepcopy(node)
    for name, body in bodies.items():
        setattr(node, name, body)
    if hasattr(head, "decorator_list"):
        head.decorator_list = []
    return head


def _text(head: Any) -> str:
    """Return a head on one line."""
    if isinstance(head, ast.ExceptHandler):
        kind = f" {ast.unparse(head.type)}" if head.type else ""
        return f"except{kind}: {ast.unparse(head.body[0]) if head.body else '...'}"
    if isinstance(head, ast.match_case):
        return f"case {ast.unparse(head.pattern)}" + (f" if {ast.unparse(head.guard)}" if head.guard else "")
    return " ".join(ast.unparse(ast.fix_missing_locations(head)).split()).removesuffix(":")


def _faults_of(head: Any, in_function: bool) -> Iterator[Any]:
    """Yield the head with each of the faults it can have."""
    if isinstance(head, ast.ClassDef):
        return
    if isinstance(head, ast.ExceptHandler):
        faulty = copy.deepcopy(head)
        faulty.body = [ast.Raise()]
        yield faulty
        return
    yield from _other_statements(head)
    if isinstance(head, ast.FunctionDef | ast.AsyncFunctionDef):
        for name in ("defaults", "kw_defaults"):
            for at, default in enumerate(getattr(head.args, name)):
                if default is not None:
                    yield from _with_faults(head, (("args", None), (name, at)), default, in_function)
        return
    if isinstance(head, ast.If | ast.While):
        yield from _opposites(head, (("test", None),), head.test)
    for name, value in ast.iter_fields(head):
        if name not in ("annotation", "targets", "target", "type_comment", *_BODIES):
            yield from _with_faults(head, ((name, None),), value, in_function)


def _other_statements(head: ast.AST) -> Iterator[ast.stmt]:
    """Yield what may stand in place of a whole statement."""
    if isinstance(head, ast.Continue):
        yield ast.Break()
    elif isinstance(head, ast.Break):
        yield ast.Continue()
    elif isinstance(head, ast.Expr | ast.AugAssign | ast.Delete | ast.Raise) or (
        isinstance(head, ast.Assign) and all(isinstance(each, ast.Attribute | ast.Subscript) for each in head.targets)
    ):
        yield ast.Pass()


def _with_faults(head: Any, path: tuple[Step, ...], value: Any, in_function: bool) -> Iterator[Any]:
    """Yield the head with each of the faults that what stands at `path` can have."""
    if isinstance(value, list):
        for at, item in enumerate(value):
            yield from _with_faults(head, (*path[:-1], (path[-1][0], at)), item, in_function)
    if not isinstance(value, ast.AST) or (isinstance(value, ast.keyword) and value.arg == "strict"):
        return
    for other in _others(value, in_function):
        yield _replaced(head, path, other)
    yield from _turned_round(head, path, value)
    for name, child in ast.iter_fields(value):
        if name not in ("annotation", "op", "ops", "ctx"):
            yield from _with_faults(head, (*path, (name, None)), child, in_function)


def _turned_round(head: Any, path: tuple[Step, ...], value: ast.AST) -> Iterator[Any]:
    """Yield the head with each condition within an expression turned round."""
    if isinstance(value, ast.IfExp):
        yield from _opposites(head, (*path, ("test", None)), value.test)
    if isinstance(value, ast.comprehension):
        for at, test in enumerate(value.ifs):
            yield from _opposites(head, (*path, ("ifs", at)), test)


def _opposites(head: Any, path: tuple[Step, ...], test: ast.expr) -> Iterator[Any]:
    """Yield the head with a condition turned round, if it is of a kind that has no other fault of that effect."""
    if not isinstance(test, ast.Compare) and not (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)):
        yield _replaced(head, path, ast.UnaryOp(ast.Not(), test))


def _replaced(head: Any, path: tuple[Step, ...], other: ast.AST) -> Any:
    faulty = copy.deepcopy(head)
    owner = faulty
    for step in path[:-1]:
        owner = _child(owner, step)
    _put(owner, path[-1], copy.deepcopy(other))
    return faulty


def _others(node: ast.AST, in_function: bool) -> Iterator[ast.AST]:
    """Yield what may stand in place of an expression."""
    match node:
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() | float() as number):
            yield from (ast.Constant(number + 1), ast.Constant(number - 1))
        case ast.Compare():
            yield from _other_comparisons(node)
        case ast.BoolOp():
            yield from _other_conditions(node)
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand
        case ast.BinOp(op=operator) if type(operator) in _OPERATORS and in_function and not _is_text(node):
            yield ast.BinOp(node.left, _OPERATORS[type(operator)](), node.right)
        case ast.Slice():
            yield from (ast.Slice(None, node.upper, node.step), ast.Slice(node.lower, None, node.step))
        case ast.Call():
            yield from _other_calls(node)


def _other_comparisons(node: ast.Compare) -> Iterator[ast.AST]:
    for at, operator in enumerate(node.ops):
        for other in _ORDERINGS[type(operator)]:
            yield ast.Compare(node.left, [*node.ops[:at], other(), *node.ops[at + 1 :]], node.comparators)


def _other_conditions(node: ast.BoolOp) -> Iterator[ast.AST]:
    yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    for at in range(len(node.values)):
        left = [*node.values[:at], *node.values[at + 1 :]]
        yield ast.BoolOp(node.op, left) if len(left) > 1 else left[0]


def _other_calls(node: ast.Call) -> Iterator[ast.AST]:
    match node.func:
        case ast.Name(id=name) if name in _FUNCTIONS:
            yield ast.Call(ast.Name(_FUNCTIONS[name], ast.Load()), node.args, node.keywords)
        case ast.Attribute(value=owner, attr=name) if name in _METHODS:
            yield ast.Call(ast.Attribute(owner, _METHODS[name], ast.Load()), node.args, node.keywords)
    is_symmetric = isinstance(node.func, ast.Name) and node.func.id in ("min", "max")
    if len(node.args) > 1 and not is_symmetric and not any(isinstance(arg, ast.Starred) for arg in node.args[:2]):
        yield ast.Call(node.func, [node.args[1], node.args[0], *node.args[2:]], node.keywords)


def _is_text(node: ast.BinOp) -> bool:
    """Whether one side plainly is a text: the fault would be one of type."""
    return any(
        isinstance(side, ast.JoinedStr) or (isinstance(side, ast.Constant) and isinstance(side.value, str | bytes))
        for side in (node.left, node.right)
    )
