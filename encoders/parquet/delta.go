package parquet

// checkDeltas checks the differences that a page has, of integers or of the lengths of texts: the library takes memory for as
// many as they say. Their layout is in the format's description of encodings, at "Delta Encoding".
func (f *file) checkDeltas(p page, data []byte, bounds levels) error {
	const (
		maxBlock = 1 << 16 // of values; what writers have is 128 to 2048
		group    = 32      // of values that a part of a block is a multiple of
		maxWidth = 64
	)
	if p.kind == pageData {
		data = p.skipLevels(data, bounds)
	}
	t := &thrift{data: data}
	block, parts, total := t.varint(), t.varint(), t.varint()
	t.varint() // the first value
	if block > maxBlock || parts == 0 || block%(parts*group) != 0 || block == 0 || total > uint64(p.values) {
		return errDamaged
	}
	part := int64(block / parts)
	f.mem.Take(8 * part) // which the library unpacks at once
	for left := int64(total) - 1; left > 0; {
		t.varint() // the least difference
		for _, width := range t.take(int(parts)) {
			if left <= 0 {
				break // of what is not there, the width may be any
			}
			if width > maxWidth {
				return errDamaged
			}
			t.take(int(width) * int(part) / 8)
			left -= part
		}
	}
	return nil
}
