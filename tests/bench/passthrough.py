"""The reference: an app that only hands bytes on, with the same client and server."""

import sys
from collections.abc import AsyncIterator

import aiohttp
import httpx
import uvicorn
from httpx_aiohttp import AiohttpTransport
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route


def make_app(upstream: str) -> Starlette:
    clients: list[httpx.AsyncClient] = []

    async def relay(request: Request) -> StreamingResponse:
        if not clients:
            session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
            clients.append(httpx.AsyncClient(transport=AiohttpTransport(client=session)))
        body = await request.body()
        sent = clients[0].build_request("POST", upstream, content=body, timeout=None)
        response = await clients[0].send(sent, stream=True)

        async def chunks() -> AsyncIterator[bytes]:
            async for chunk in response.aiter_raw():
                yield chunk

        return StreamingResponse(chunks(), background=None)

    return Starlette(routes=[Route("/", relay, methods=["POST"])])


if __name__ == "__main__":
    uvicorn.run(make_app(sys.argv[1]), port=int(sys.argv[2]), log_level="error", access_log=False)
