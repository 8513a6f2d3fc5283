package response

// Withholds tells whether the response is one to Withhold of which nothing has gone out.
func (r *Recorder) Withholds() bool { return r.mode == Withhold }

// Yield has a response that is withheld go to the client as if it were captured, with the header as it was when it was final. The content
// so far follows with what comes next, or by [Recorder.Drain].
func (r *Recorder) Yield() {
	if r.mode != Withhold {
		return
	}
	r.mode = Capture
	r.finalize()
	r.ResponseWriter.WriteHeader(r.status)
	r.ResponseWriter.WriteHeaderNow()
	r.tellSent()
	r.trail()
}

// Retract keeps from the client, for good, what is withheld, and gives the header back as it was before the handlers ran.
func (r *Recorder) Retract() {
	if r.mode != Withhold {
		return
	}
	r.mode, r.final = Swallow, nil
	r.baseline.Restore(r.Header())
	r.giveUp()
}

// Drop gives up what was captured: the response only passes on from here.
func (r *Recorder) Drop() { r.dropped = true }
