"""`python -m gateway.web.openapi` prints the OpenAPI document, for what is made from it."""

import sys

from gateway.web.openapi.surface import document

sys.stdout.buffer.write(document())
