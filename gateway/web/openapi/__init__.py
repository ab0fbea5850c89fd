"""The OpenAPI document: what the gateway answers, in a form that programs read."""
