"""Checks JSON against the types of the vendors' SDKs: members that they do not have are found, and wrong types.

The SDKs themselves are lenient: they build what they can of whatever comes.
"""

import base64
import binascii
import collections.abc
import datetime
import enum
import inspect
import types
import typing

import pydantic
import typing_extensions

# Members that SDKs do not have though they stand there on purpose: what compatible providers call thoughts and seals,
# what APIs give and their SDKs leave out, and what a stream could not say elsewhere.
BEYOND = {
    "Response": {"store"},
    "ResponseFunctionCallArgumentsDoneEvent": {"name"},
    "Logprob": {"bytes"},
    "LogprobTopLogprob": {"bytes"},
    # Models that came before the SDK's newest still have them.
    "MessageCreateParamsNonStreaming": {"temperature", "top_p", "top_k"},
    "MessageCreateParamsStreaming": {"temperature", "top_p", "top_k"},
    "MessageDeltaUsage": {"service_tier", "cache_creation"},
    "ChatCompletionAssistantMessageParam": {"reasoning_content", "reasoning_details"},
    "ChatCompletionMessage": {"reasoning_content", "reasoning_details", "images"},
    "ChoiceDelta": {"reasoning_content", "reasoning_details", "images", "annotations"},
    "ChatCompletionMessageFunctionToolCallParam": {"extra_content"},
    "ChatCompletionMessageFunctionToolCall": {"extra_content"},
    "ChoiceDeltaToolCall": {"extra_content"},
}
# Members that may be missing, whatever the SDK's types say: a search is told after it began, and silence is strict.
MISSING = {"ResponseFunctionWebSearch": {"action"}, "FunctionToolParam": {"strict"}}
LISTS = (list, collections.abc.Iterable, collections.abc.Sequence)
PLAIN = {str: str, bool: bool, int: int, float: (int, float), dict: dict, list: list, types.NoneType: types.NoneType}
TAGS = ("type", "role", "object")


def faults(value, form, path="$"):
    """What of `value` is not as `form` has it, each with its place."""
    origin, args = typing.get_origin(form), typing.get_args(form)
    if isinstance(form, (typing.TypeVar, typing_extensions.TypeVar)) or form in (object, typing.Any):
        return []
    if isinstance(form, typing_extensions.TypeAliasType):
        return faults(value, form.__value__, path)
    if origin in (typing.Annotated, typing_extensions.Required, typing_extensions.NotRequired):
        return faults(value, args[0], path)
    if origin in (typing.Union, types.UnionType):
        return _any(value, args, path)
    if origin is typing.Literal:
        same = any(value == arg and type(value) is type(arg) for arg in args)
        return [] if same else [f"{path}: {value!r} is none of {args}"]
    if origin in LISTS or getattr(origin, "__name__", "") == "SequenceNotStr":
        if not isinstance(value, list):
            return [f"{path}: {value!r} is no list"]
        return [fault for at, item in enumerate(value) for fault in faults(item, args[0], f"{path}[{at}]")]
    if origin in (dict, collections.abc.Mapping):
        if not isinstance(value, dict):
            return [f"{path}: {value!r} is no object"]
        return [fault for key, item in value.items() for fault in faults(item, args[1], f"{path}.{key}")]
    if origin is not None:
        form = origin
    return _members(value, form, path) if _has_members(form) else _scalar(value, form, path)


def _scalar(value, form, path):
    if inspect.isclass(form) and issubclass(form, enum.Enum):
        good = value in [member.value for member in form]
    elif form is bytes:
        good = isinstance(value, str) and _is_base64(value)
    elif form is datetime.datetime:
        good = isinstance(value, str)
    else:
        # A truth value is a number in Python, though not in JSON.
        good = isinstance(value, PLAIN.get(form, ())) and (form is bool) == isinstance(value, bool)
    return [] if good else [f"{path}: {value!r} is no {getattr(form, '__name__', form)}"]


def _is_base64(text):
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
    return True


def _has_members(form):
    return typing_extensions.is_typeddict(form) or (inspect.isclass(form) and issubclass(form, pydantic.BaseModel))


def members_of(form):
    """Each member's name on the wire, its form, and whether it must be there."""
    if typing_extensions.is_typeddict(form):
        hints = typing_extensions.get_type_hints(form, include_extras=True)
        # Classes whose annotations are texts do not know themselves what is required.
        marks = {name: typing.get_origin(hint) for name, hint in hints.items()}
        must = {name for name, mark in marks.items() if mark in (typing.Required, typing_extensions.Required)}
        free = {name for name, mark in marks.items() if mark in (typing.NotRequired, typing_extensions.NotRequired)}
        must |= form.__required_keys__ - free
        return {name: (hint, name in must) for name, hint in hints.items()}
    fields = form.model_fields.items()
    return {field.alias or name: (field.annotation, field.is_required()) for name, field in fields}


def _members(value, form, path):
    if not isinstance(value, dict):
        return [f"{path}: {value!r} is no {form.__name__}"]
    members = members_of(form)
    found = [f"{path}.{key} is missing in {form.__name__}" for key, (_, must) in members.items()
             if must and key not in value and key not in MISSING.get(form.__name__, ())]
    for key, item in value.items():
        if key in members:
            found += faults(item, members[key][0], f"{path}.{key}")
        elif key not in BEYOND.get(form.__name__, ()):
            found.append(f"{path}.{key} is unknown in {form.__name__}")
    return found


def _any(value, arms, path):
    """The faults of the arm that is meant: that whose tag it has, else the one with the fewest."""
    found = [faults(value, arm, path) for arm in arms]
    meant = [faults for faults, arm in zip(found, arms, strict=True) if not _is_other(value, arm)]
    return min(meant or found, key=len)


def _is_other(value, arm):
    """Whether a tag says that `value` is not of this arm."""
    arm = typing.get_origin(arm) or arm
    if not isinstance(value, dict) or not _has_members(arm):
        return False
    members = members_of(arm)
    return any(key in value and key in members and faults(value[key], members[key][0]) for key in TAGS)
