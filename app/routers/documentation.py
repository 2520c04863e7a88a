"""/docs without the internet, and an OpenAPI document that says who may call what."""

from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from app.core.messages import Language, get_language
from app.routers import problems
from app.routers.access import Public, access_of
from app.routers.keyed import HEADER, KeyedRoute

VENDOR = Path(__file__).parents[1] / "static" / "vendor"
GUIDES = {
    Language.ENGLISH: Path(__file__).parent / "guide.md",
    Language.CHINESE: Path(__file__).parent / "guide.zh.md",
}

# Long addresses break, and a wide table scrolls by itself, so that a phone shows all of it.
STYLE = """<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
.swagger-ui .renderedMarkdown code { overflow-wrap: anywhere; white-space: normal }
.swagger-ui .renderedMarkdown table { display: block; overflow-x: auto }
.swagger-ui .renderedMarkdown td { padding-right: 10px }
</style>
</head>"""

KEY_PARAMETER = {
    "name": HEADER,
    "in": "header",
    "required": True,
    "description": "1–64 visible ASCII characters. Same key, same answer, one effect.",
    "schema": {"type": "string", "maxLength": 64},
    "example": "5f1f2a7e-0d0b-4b0a-9d0e-1c8a1f6f2f10",
}


def install(app: FastAPI) -> None:
    app.mount("/static/vendor", StaticFiles(directory=VENDOR, check_dir=False), name="vendor")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        page = get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=app.title,
            swagger_js_url="/static/vendor/swagger-ui-dist/swagger-ui-bundle.js",
            swagger_css_url="/static/vendor/swagger-ui-dist/swagger-ui.css",
            swagger_favicon_url="/static/vendor/swagger-ui-dist/favicon-32x32.png",
        )
        return HTMLResponse(bytes(page.body).decode().replace("</head>", STYLE))

    def openapi() -> dict[str, Any]:
        """The description, with the guide in the reader's language."""
        if app.openapi_schema is None:
            app.openapi_schema = _describe(app)
        guide = GUIDES[get_language()].read_text("utf-8")
        return app.openapi_schema | {"info": app.openapi_schema["info"] | {"description": guide}}

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def _describe(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(
        title=app.title,
        version="1",
        routes=app.routes,
    )
    components = schema.setdefault("components", {})
    problem = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    components.setdefault("schemas", {}).update(problem.pop("$defs", {}) | {"Problem": problem})
    components["securitySchemes"] = {
        "client": {
            "type": "oauth2",
            "flows": {"clientCredentials": {"tokenUrl": "/v1/session/token", "scopes": {}}},
        },
        "browser": {"type": "apiKey", "in": "cookie", "name": "zhirong_session"},
    }
    for context in iter_route_contexts(app.routes):
        if isinstance(context.route, APIRoute) and context.include_in_schema:
            for method in context.methods or ():
                operation = schema["paths"][context.path_format][method.lower()]
                _complete(operation, context, method)
    return schema


def _complete(operation: dict[str, Any], context: Any, method: str) -> None:
    """Say who may call, which key is needed, and what every call may be refused for."""
    marks = access_of(context.dependant)
    who = " and ".join(map(str, marks)) or "nobody"
    operation["description"] = f"{operation.get('description', '')}\n\n**Who may call:** {who}."
    responses = operation["responses"]
    if "422" in responses and "HTTPValidationError" in str(responses["422"]):
        responses["422"] = _refusal("invalid-input: names each field and the reason")
    if not any(isinstance(mark, Public) for mark in marks):
        operation["security"] = [{"client": []}, {"browser": []}]
        responses.setdefault("401", _refusal("unauthorized"))
        responses.setdefault("403", _refusal("forbidden"))
    if isinstance(context.route, KeyedRoute) and method == "POST":
        operation.setdefault("parameters", []).append(KEY_PARAMETER)
        responses.setdefault("400", _refusal("bad-request: the Idempotency-Key is missing"))
        responses.setdefault("409", _refusal("key-in-flight: ask again in a second"))
        reused = responses.setdefault("422", _refusal("invalid-input"))
        reused["description"] += " or key-reused"
    if "requestBody" in operation:
        responses.setdefault("413", _refusal("content-too-large"))


def _refusal(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {problems.MEDIA_TYPE: {"schema": schema}}}
