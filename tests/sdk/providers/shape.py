"""Holds a JSON value against the request types that an official SDK publishes, and refuses what they do not have."""

import types
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

# Of Python itself only in newer ones.
from typing_extensions import NotRequired, Required, is_typeddict


class Refused(Exception):
    """A request that the provider does not take, and where it is wrong."""


@cache
def members(kind):
    return get_type_hints(kind, include_extras=True)


def is_required(kind, name):
    hint = members(kind)[name]
    # With postponed annotations the class itself does not know what is inside Required[…].
    if get_origin(hint) in (Required, NotRequired):
        return get_origin(hint) is Required
    return name in kind.__required_keys__


def check(value, kind, path):
    """Raises unless `value` is a `kind`, with nothing more and nothing less. `path` is what the message calls it."""
    origin = get_origin(kind)
    if origin in (Required, NotRequired, Annotated):
        check(value, get_args(kind)[0], path)
    elif origin in (Union, types.UnionType):
        check_union(value, get_args(kind), path)
    elif origin is Literal:
        expect(value in get_args(kind), path, f"{value!r} is none of {get_args(kind)}")
    elif is_typeddict(kind):
        check_object(value, kind, path)
    elif origin in (list, Iterable, Sequence) or getattr(origin, "__name__", "") == "SequenceNotStr":
        expect(isinstance(value, list), path, "is not a list")
        for index, item in enumerate(value):
            check(item, get_args(kind)[0], f"{path}[{index}]")
    elif origin in (dict, types.MappingProxyType) or kind is dict or getattr(origin, "__name__", "") == "Mapping":
        expect(isinstance(value, dict), path, "is not an object")
    elif kind in (None, type(None)):
        expect(value is None, path, "is not null")
    elif kind is float:
        expect(isinstance(value, (int, float)) and not isinstance(value, bool), path, "is not a number")
    elif kind is int:
        expect(isinstance(value, int) and not isinstance(value, bool), path, "is not an integer")
    elif kind in (str, bool):
        expect(isinstance(value, kind), path, f"is not a {kind.__name__}")
    elif kind not in (object, Any):
        # What else the SDKs' hints name (their answer classes, files) is nothing that JSON holds.
        raise Refused(f"{path}: {value!r} is no {kind}")


def expect(holds, path, otherwise):
    if not holds:
        raise Refused(f"{path}: {otherwise}")


def check_object(value, kind, path):
    expect(isinstance(value, dict), path, "is not an object")
    known = members(kind)
    for name in value:
        expect(name in known, f"{path}.{name}", f"Extra inputs are not permitted ({kind.__name__})")
    for name, hint in known.items():
        if name in value:
            check(value[name], hint, f"{path}.{name}")
        else:
            expect(not is_required(kind, name), f"{path}.{name}", f"Field required ({kind.__name__})")


def fits_tag(value, kind):
    """Whether `kind` may be what `value` says it is by `type` and `role`."""
    if not is_typeddict(kind):
        return not isinstance(value, dict) or kind in (object, Any) or get_origin(kind) is dict
    if not isinstance(value, dict):
        return False
    for tag in ("type", "role"):
        hint = members(kind).get(tag)
        while get_origin(hint) in (Required, NotRequired, Annotated):
            hint = get_args(hint)[0]
        if get_origin(hint) is Literal and value.get(tag, get_args(hint)[0]) not in get_args(hint):
            return False
    return True


def check_union(value, kinds, path):
    """One member must fit. The message is about those with the value's own tag: the others never could."""
    flat = []
    for kind in kinds:
        inner = get_args(kind)[0] if get_origin(kind) is Annotated else kind
        flat += get_args(inner) if get_origin(inner) in (Union, types.UnionType) else [inner]
    failures = []
    for kind in flat:
        try:
            return check(value, kind, path)
        except Refused as refused:
            if fits_tag(value, kind):
                failures.append(str(refused))
    # The deepest complaint comes from the member that was meant.
    raise Refused(max(failures, key=len) if failures else f"{path}: {str(value)[:80]!r} fits none of its types")
