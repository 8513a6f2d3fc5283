"""A FastAPI service with fastapi-cachette, one cache for each backend and codec, for the tests in this folder.

The environment says where the stores are: INTEROP_REDIS_URL, INTEROP_MEMCACHED_HOST, INTEROP_MONGODB_URL,
INTEROP_DYNAMODB_URL (those that are not set are left out), INTEROP_TABLE and INTEROP_DATABASE.
"""
import asyncio
import functools
import os

import fastapi_cachette.backends.dynamodb as dynamodb
import fastapi_cachette.backends.mongodb as mongodb
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi_cachette import Cachette

from cases import CODECS, compare, value_to_put, value_to_want

# One session for all: each reads the descriptions of AWS anew, which takes longer than all else here.
dynamodb.get_session = functools.cache(dynamodb.get_session)


def one_client(create):
    """One client for each event loop, and those of the loops that have ended closed: fastapi-cachette makes several for
    each request and closes none, and each has threads."""
    clients = {}

    def client(url):
        for loop in [loop for loop in clients if loop.is_closed()]:
            clients.pop(loop).close()
        loop = asyncio.get_running_loop()
        if loop not in clients:
            clients[loop] = create(url)
        return clients[loop]

    return client


mongodb.AsyncIOMotorClient = one_client(mongodb.AsyncIOMotorClient)

TABLE = ('table_name', os.environ['INTEROP_TABLE'])
DATABASE = ('database_name', os.environ['INTEROP_DATABASE'])

BACKENDS = {
    'redis': [('redis_url', os.environ.get('INTEROP_REDIS_URL'))],
    'memcached': [('memcached_host', os.environ.get('INTEROP_MEMCACHED_HOST'))],
    'mongodb': [('mongodb_url', os.environ.get('INTEROP_MONGODB_URL')), TABLE, DATABASE],
    'dynamodb': [('dynamodb_url', os.environ.get('INTEROP_DYNAMODB_URL')), TABLE],
}


def cache_class(backend, codec):
    """A class of its own, because fastapi-cachette keeps the settings on the class."""
    settings = [('backend', backend), ('ttl', 60), *BACKENDS[backend]]
    if codec != 'vanilla':  # which is the default, and may not be named
        settings.append(('codec', codec))
    cls = type(f'{backend}_{codec}', (Cachette,), {})
    cls.load_config(lambda: settings)
    return cls


def cache_routes(backend, codec):
    cache = cache_class(backend, codec)
    router = APIRouter(prefix=f'/{backend}/{codec}')

    @router.post('/put/{case}')
    async def put(case: str, key: str, ttl: int, cachette: Cachette = Depends(cache)):
        await cachette.put(key, value_to_put(codec, case), ttl)
        return {}

    @router.get('/fetch/{case}')
    async def fetch(case: str, key: str, cachette: Cachette = Depends(cache)):
        got = await cachette.fetch(key)
        equal, type_equal = compare(got, value_to_want(codec, case))
        return {'miss': got is None, 'equal': equal, 'type_equal': type_equal, 'got': repr(got)[:200]}

    @router.get('/ttl')
    async def ttl(key: str, cachette: Cachette = Depends(cache)):
        seconds, _ = await cachette.fetch_with_ttl(key)
        return {'ttl': seconds}

    @router.post('/clear')
    async def clear(key: str, cachette: Cachette = Depends(cache)):
        return {'cleared': await cachette.clear(key=key)}

    @router.post('/clear-namespace')
    async def clear_namespace(namespace: str, cachette: Cachette = Depends(cache)):
        return {'cleared': await cachette.clear(namespace=namespace)}

    return router


app = FastAPI()
for backend, settings in BACKENDS.items():
    if settings[0][1]:
        for codec in CODECS:
            app.include_router(cache_routes(backend, codec))


@app.exception_handler(Exception)
async def failed(request: Request, error: Exception):
    return JSONResponse({'error': f'{type(error).__name__}: {error}'[:300]}, status_code=500)


@app.get('/')
async def ready():
    return {}
