package msgpack

// The codes of MessagePack. Those with Low and High in their names hold a number or a length themselves.
const (
	codePosHigh   = 0x7F
	codeMapLow    = 0x80
	codeMapHigh   = 0x8F
	codeArrayLow  = 0x90
	codeArrayHigh = 0x9F
	codeStrLow    = 0xA0
	codeStrHigh   = 0xBF
	codeNil       = 0xC0
	codeFalse     = 0xC2
	codeTrue      = 0xC3
	codeBin8      = 0xC4
	codeBin16     = 0xC5
	codeBin32     = 0xC6
	codeExt8      = 0xC7
	codeExt16     = 0xC8
	codeExt32     = 0xC9
	codeFloat32   = 0xCA
	codeFloat64   = 0xCB
	codeUint8     = 0xCC
	codeUint16    = 0xCD
	codeUint32    = 0xCE
	codeUint64    = 0xCF
	codeInt8      = 0xD0
	codeInt16     = 0xD1
	codeInt32     = 0xD2
	codeInt64     = 0xD3
	codeFixExt1   = 0xD4
	codeFixExt2   = 0xD5
	codeFixExt4   = 0xD6
	codeFixExt8   = 0xD7
	codeFixExt16  = 0xD8
	codeStr8      = 0xD9
	codeStr16     = 0xDA
	codeStr32     = 0xDB
	codeArray16   = 0xDC
	codeArray32   = 0xDD
	codeMap16     = 0xDE
	codeMap32     = 0xDF
	codeNegLow    = 0xE0
)
