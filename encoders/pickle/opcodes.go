package pickle

// The opcodes that are read: what Python's pickler writes for the types that this codec has, at protocols 0 to 5.
const (
	opMark       = '('
	opStop       = '.'
	opInt        = 'I'
	opLong       = 'L'
	opFloat      = 'F'
	opNone       = 'N'
	opUnicode    = 'V'
	opReduce     = 'R'
	opGlobal     = 'c'
	opAppend     = 'a'
	opList       = 'l'
	opDict       = 'd'
	opSetItem    = 's'
	opTuple      = 't'
	opGet        = 'g'
	opPut        = 'p'
	opBinInt     = 'J'
	opBinInt1    = 'K'
	opBinInt2    = 'M'
	opBinFloat   = 'G'
	opBinUnicode = 'X'
	opAppends    = 'e'
	opSetItems   = 'u'
	opEmptyList  = ']'
	opEmptyDict  = '}'
	opEmptyTuple = ')'
	opBinGet     = 'h'
	opLongGet    = 'j'
	opBinPut     = 'q'
	opLongPut    = 'r'

	opProto    = 0x80
	opTuple1   = 0x85
	opTuple2   = 0x86
	opTuple3   = 0x87
	opNewTrue  = 0x88
	opNewFalse = 0x89
	opLong1    = 0x8A
	opLong4    = 0x8B

	opBinBytes      = 'B'
	opShortBinBytes = 'C'

	opShortBinUnicode = 0x8C
	opBinUnicode8     = 0x8D
	opBinBytes8       = 0x8E
	opEmptySet        = 0x8F
	opAddItems        = 0x90
	opFrozenSet       = 0x91
	opStackGlobal     = 0x93
	opMemoize         = 0x94
	opFrame           = 0x95

	opByteArray8 = 0x96

	opBuild    = 'b'
	opNewObj   = 0x81
	opNewObjEx = 0x92
)

// refusedOps are the opcodes that Python has and this codec refuses, by the names that pickletools gives them. They ask
// other programs for objects, are written by Python 2 alone, or serve values that hold themselves. The three that make
// objects are read, and refused for all but the classes of the list and foreign ones.
var refusedOps = map[byte]string{
	'P': "PERSID", 'Q': "BINPERSID", opBuild: "BUILD", 'i': "INST", 'o': "OBJ", opNewObj: "NEWOBJ", opNewObjEx: "NEWOBJ_EX",
	0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER",
	'S': "STRING", 'T': "BINSTRING", 'U': "SHORT_BINSTRING", '0': "POP", '1': "POP_MARK", '2': "DUP",
}

// A global is a Python class or function that a pickle may name. None of them is ever called: each stands for a value
// that the reader makes itself.
type global uint8

const (
	globalSet global = iota
	globalFrozenSet
	globalBytes
	globalByteArray
	globalGetattr
	globalEncode
	globalOrderedDict
	globalDecimal
	globalDate
	globalDateTime
	globalTimeDelta
	globalTimeZone
	globalTime
	globalZoneInfo
	globalUnpickleZone
	globalUUID
	globalDefaultDict
	globalCounter
	globalDeque
	globalReconstructor
	globalDtype
	globalScalar
)

// globals is the fixed list. Protocols 0 to 2 have the names of Python 2.
var globals = map[string]global{
	"builtins.set": globalSet, "__builtin__.set": globalSet,
	"builtins.frozenset": globalFrozenSet, "__builtin__.frozenset": globalFrozenSet,
	"builtins.bytes": globalBytes, "__builtin__.bytes": globalBytes,
	"builtins.bytearray": globalByteArray, "__builtin__.bytearray": globalByteArray,
	"builtins.getattr": globalGetattr, "__builtin__.getattr": globalGetattr,
	"_codecs.encode":              globalEncode,
	"collections.OrderedDict":     globalOrderedDict,
	"decimal.Decimal":             globalDecimal,
	"datetime.date":               globalDate,
	"datetime.datetime":           globalDateTime,
	"datetime.timedelta":          globalTimeDelta,
	"datetime.timezone":           globalTimeZone,
	"datetime.time":               globalTime,
	"zoneinfo.ZoneInfo":           globalZoneInfo,
	"zoneinfo.ZoneInfo._unpickle": globalUnpickleZone,
	"uuid.UUID":                   globalUUID,
	"collections.defaultdict":     globalDefaultDict,
	"collections.Counter":         globalCounter,
	"collections.deque":           globalDeque,
	"copyreg._reconstructor":      globalReconstructor, "copy_reg._reconstructor": globalReconstructor,
	"numpy.dtype":                   globalDtype,
	"numpy._core.multiarray.scalar": globalScalar, "numpy.core.multiarray.scalar": globalScalar, // of numpy 2, and 1
}
