package servers

import (
	"context"

	"github.com/gin-cachette/cachette/internal/testservers"
)

// starters are the servers that tests look for.
func starters() []starter {
	inFolder := func(start func(context.Context, string) (string, Stop, error)) func(context.Context, string, string) (string, Stop, error) {
		return func(ctx context.Context, _, dir string) (string, Stop, error) { return start(ctx, dir) }
	}
	return []starter{
		{testservers.Redis, inFolder(Redis)},
		{testservers.RedisTLS, inFolder(RedisTLS)},
		{testservers.RedisSentinel, inFolder(RedisSentinel)},
		{testservers.RedisCluster, inFolder(RedisCluster)},
		{testservers.RedisSocket, inFolder(RedisSocket)},
		{testservers.Memcached, inFolder(Memcached)},
		{testservers.MemcachedTLS, inFolder(MemcachedTLS)},
		{testservers.MemcachedPair, inFolder(MemcachedPair)},
		{testservers.MemcachedSocket, inFolder(MemcachedSocket)},
		{testservers.MongoDB, MongoDB},
		{testservers.DynamoDB, func(ctx context.Context, build, _ string) (string, Stop, error) { return DynamoDB(ctx, build) }},
	}
}
