package response

// Watch has goes called with how much of a body that is not kept the client's writer will have, each time before it gets more; with
// math.MaxInt where that cannot be told from then on.
func (r *Recorder) Watch(goes func(size int)) { r.watch = goes }

// HeldByServer tells whether so much of a body, and the header before it, stay with the server until the handlers have returned, or flush.
func (r *Recorder) HeldByServer(size int) bool { return size <= inPlace && !r.Wrapped() }
