"""A Terraform provider that knows the schema of a real one, and nothing else.

`terraform validate` asks a provider for its schema and checks the configuration against it; `terraform test` with a mocked
provider makes up the rest. Neither needs an account, nor the real provider, which no package registry has.

provider.py NAME SCHEMA [--dev]: its name in the registry, and a file in the form of `terraform providers schema -json`, of this
provider alone. With --dev it goes on running, for all commands that find it by the variable that it prints.
"""

import json
import sys

import tf.provider
import tf.runner
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc

NESTING = {"single": 1, "list": 2, "set": 3, "map": 4}


def block(schema):
    attributes = [
        pb.Schema.Attribute(
            name=name,
            type=json.dumps(attribute["type"]).encode(),
            required=attribute.get("required", False),
            optional=attribute.get("optional", False),
            computed=attribute.get("computed", False),
            sensitive=attribute.get("sensitive", False),
            deprecated=attribute.get("deprecated", False),
        )
        for name, attribute in schema["attributes"].items()
    ]
    blocks = [
        pb.Schema.NestedBlock(
            type_name=name,
            block=block(nested["block"]),
            nesting=NESTING[nested["nesting_mode"]],
            min_items=nested.get("min_items", 0),
            max_items=nested.get("max_items", 0),
        )
        for name, nested in schema.get("block_types", {}).items()
    ]
    return pb.Schema.Block(attributes=attributes, block_types=blocks)


def whole(schema):
    return pb.Schema(version=schema["version"], block=block(schema["block"]))


class Schemas(rpc.ProviderServicer):
    schemas: dict

    def __init__(self, _provider):
        pass

    def GetProviderSchema(self, _request, _context):
        resources = self.schemas["resource_schemas"].items()
        sources = self.schemas["data_source_schemas"].items()
        return pb.GetProviderSchema.Response(
            provider=whole(self.schemas["provider"]),
            resource_schemas={name: whole(schema) for name, schema in resources},
            data_source_schemas={name: whole(schema) for name, schema in sources},
        )

    def GetMetadata(self, _request, _context):
        return pb.GetMetadata.Response()

    def ValidateProviderConfig(self, _request, _context):
        return pb.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, _request, _context):
        return pb.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, _request, _context):
        return pb.ValidateDataResourceConfig.Response()

    def StopProvider(self, _request, _context):
        return pb.StopProvider.Response()


class Named:
    def __init__(self, name):
        self.name = name

    def full_name(self):
        return f"registry.terraform.io/{self.name}"


if __name__ == "__main__":
    name, path, *options = sys.argv[1:]
    with open(path) as file:
        Schemas.schemas = json.load(file)
    tf.provider.ProviderServicer = Schemas
    sys.stdout.reconfigure(line_buffering=True)
    tf.runner.run_provider(Named(name), [sys.argv[0], *options])
