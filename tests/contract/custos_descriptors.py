"""Prints the REST routes and messages of Custos v1.0.0 as JSON, from what `custos-sdk` ships.

Runs in an environment of its own (requirements/custos-sdk.txt), never under pytest.
"""

import json
from importlib import import_module

from google.api import annotations_pb2
from google.protobuf.descriptor import FieldDescriptor

SERVICES = ("IdentityManagementService", "GroupManagementService", "TenantManagementService")
INT64 = (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64)


def kind(field):
    """How proto3's JSON mapping writes a field."""
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return "object"
    if field.label == FieldDescriptor.LABEL_REPEATED:
        return "list"
    if field.cpp_type in (*INT64, FieldDescriptor.CPPTYPE_STRING, FieldDescriptor.CPPTYPE_ENUM):
        return "string"
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return "bool"
    if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
        return "object"
    return "number"


def fields(message):
    """Field name → JSON kind; for lists and objects of messages also what is inside."""
    found = {}
    for field in message.fields:
        inner = field.message_type
        known = inner is not None and not inner.full_name.startswith("google.protobuf.")
        known = known and not inner.GetOptions().map_entry
        deeper = fields(inner) if known and inner is not message else None
        found[field.name] = {"kind": kind(field), "fields": deeper}
        if field.enum_type is not None:
            found[field.name]["values"] = [value.name for value in field.enum_type.values]
    return found


def methods():
    """Method name → verb, path, body rule, request and reply."""
    found = {}
    for name in SERVICES:
        module = import_module(f"custos.server.integration.{name}_pb2")
        for method in module.DESCRIPTOR.services_by_name[name].methods:
            rule = method.GetOptions().Extensions[annotations_pb2.http]
            verb = rule.WhichOneof("pattern")
            found[method.name] = {
                "verb": verb.upper(),
                "path": getattr(rule, verb),
                "body": rule.body,
                "request": fields(method.input_type),
                "reply": fields(method.output_type),
            }
    return found


if __name__ == "__main__":
    print(json.dumps(methods()))
