"""Write the JSON Schema of every message where it is committed: `python -m stream.schemas`."""

from stream.schemas import path_of, schemas, text_of

for name, schema in schemas().items():
    path_of(name).write_text(text_of(schema))
