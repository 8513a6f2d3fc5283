package target

// Partitions is how many parts the pages of a store of several servers are in.
const Partitions = 64

// tags are what keys of one partition have in common: stores keep keys with the same tag on the same server (see drivers.Sharded).
// They stand in the keys of stores that several releases share, so they stay as they are.
//
// They are chosen so that each server has its share. In Redis Cluster one is in each range of 256 slots, in the order of the slots. The
// clients of memcached take CRC-32 by the number of servers: up to eight servers, none has two tags more than another.
var tags = [Partitions]string{
	"{7g}", "{d7}", "{9m}", "{e8}", "{v1}", "{or}", "{ps}", "{f1}", "{0j}", "{61}", "{ko}", "{1m}", "{ii}", "{wg}", "{3r}", "{xw}",
	"{ml}", "{k7}", "{6i}", "{lk}", "{na}", "{qq}", "{on}", "{i1}", "{r4}", "{uu}", "{82}", "{1l}", "{gs}", "{xc}", "{p2}", "{42}",
	"{si}", "{8h}", "{rf}", "{ll}", "{nb}", "{qr}", "{x9}", "{oa}", "{0l}", "{c8}", "{ev}", "{ty}", "{xl}", "{ic}", "{ga}", "{ir}",
	"{7d}", "{7h}", "{j6}", "{su}", "{g5}", "{g9}", "{4x}", "{w5}", "{1s}", "{0e}", "{un}", "{88}", "{wh}", "{vz}", "{vc}", "{2c}",
}

// Partition returns the number of the partition that a path is in, from 0 on: the path by which a purge names what is stored.
func Partition(path string) int {
	hash := uint64(0xcbf29ce484222325) // FNV-1a, of which the last bytes reach the highest bits only by the last step
	for i := range len(path) {
		hash = (hash ^ uint64(path[i])) * 0x100000001b3
	}
	hash ^= hash >> 32
	return int(hash * 0x9e3779b97f4a7c15 >> 58)
}

// Tag returns what the keys of a partition have right behind the marker.
func Tag(partition int) string { return tags[partition] }
