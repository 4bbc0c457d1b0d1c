"""Functions that a statement of the operator's may name: what computes from its arguments and reaches nothing else.

No file, address, other server, dictionary, model, certificate or setting; nothing that waits. A list of what is
allowed, since each version of the engine brings further functions. Names are compared in lower case, since the engine
knows some in any.
"""

from __future__ import annotations

from typing import Final

_SCALAR: Final = """
# Arithmetic
abs avg2 byteSwap divide divideDecimal divideOrNull gcd ifNotFinite intDiv intDivOrNull intDivOrZero isFinite
isInfinite isNaN lcm max2 midpoint min2 minus modulo moduloLegacy moduloOrNull moduloOrZero multiply
multiplyDecimal negate plus positiveModulo positiveModuloOrNull sqr
# Arrays
array arrayAll arrayAvg arrayBottomK arrayCompact arrayConcat arrayCount arrayCumSum arrayCumSumNonNegative
arrayDifference arrayDistinct arrayDotProduct arrayElement arrayElementOrNull arrayEnumerate arrayEnumerateDense
arrayEnumerateDenseRanked arrayEnumerateUniq arrayEnumerateUniqRanked arrayExcept arrayExists arrayFill
arrayFilter arrayFirst arrayFirstIndex arrayFirstOrNull arrayFlatten arrayFlattenedLength arrayFold
arrayIntersect arrayJaccardIndex arrayJoin arrayLast arrayLastIndex arrayLastOrNull arrayLevenshteinDistance
arrayLevenshteinDistanceWeighted arrayMap arrayMax arrayMin arrayPopBack arrayPopFront arrayProduct
arrayPushBack arrayPushFront arrayRemove arrayResize arrayReverse arrayReverseFill arrayReverseSort
arrayReverseSplit arrayRotateLeft arrayRotateRight arrayShiftLeft arrayShiftRight arraySimilarity arraySlice
arraySort arraySplit arraySum arraySymmetricDifference arrayTopK arrayTranspose arrayUnion arrayUniq
arrayWithConstant arrayZip arrayZipUnaligned countEqual empty has hasAll hasAny hasSubstr indexOf
indexOfAssumeSorted length notEmpty notHas range replicate reverse
# Bit
bitAnd bitCount bitHammingDistance bitNot bitOr bitRotateLeft bitRotateRight bitShiftLeft bitShiftRight bitSlice
bitTest bitTestAll bitTestAny bitXor
# Comparison
equals globalIn globalNotIn globalNotNullIn globalNullIn greater greaterOrEquals in isDistinctFrom
isNotDistinctFrom less lessOrEquals notEquals notIn notNullIn nullIn
# Conditional
clamp greatest if least multiIf
# Dates and Times
UTCTimestamp addDate addDays addHours addInterval addMicroseconds addMilliseconds addMinutes addMonths
addNanoseconds addQuarters addSeconds addTupleOfIntervals addWeeks addYears age changeDay changeHour
changeMinute changeMonth changeSecond changeYear dateDiff dateName dateTrunc formatDateTime
fromDaysSinceYearZero fromDaysSinceYearZero32 fromModifiedJulianDay fromModifiedJulianDayOrNull fromUTCTimestamp
fromUnixTimestamp makeDate makeDate32 makeDateTime makeDateTime64 monthName now now64 nowInBlock nowInBlock64
subDate subtractDays subtractHours subtractInterval subtractMicroseconds subtractMilliseconds subtractMinutes
subtractMonths subtractNanoseconds subtractQuarters subtractSeconds subtractTupleOfIntervals subtractWeeks
subtractYears timeDiff timestamp timezone timezoneOf timezoneOffset toDayOfMonth toDayOfWeek toDayOfYear
toDaysInMonth toDaysSinceYearZero toHour toISOWeek toISOYear toLastDayOfMonth toLastDayOfWeek toMicrosecond
toMillisecond toMinute toModifiedJulianDay toModifiedJulianDayOrNull toMonday toMonth toMonthNumSinceEpoch
toNanosecond toQuarter toRelativeDayNum toRelativeHourNum toRelativeMinuteNum toRelativeMonthNum
toRelativeQuarterNum toRelativeSecondNum toRelativeWeekNum toRelativeYearNum toSecond toStartOfDay
toStartOfFifteenMinutes toStartOfFiveMinutes toStartOfHour toStartOfISOYear toStartOfInterval
toStartOfMicrosecond toStartOfMillisecond toStartOfMinute toStartOfMonth toStartOfNanosecond toStartOfQuarter
toStartOfSecond toStartOfTenMinutes toStartOfWeek toStartOfYear toTimeWithFixedDate toTimezone toUTCTimestamp
toUnixTimestamp toWeek toYYYYMM toYYYYMMDD toYYYYMMDDhhmmss toYear toYearNumSinceEpoch toYearWeek today
yesterday
# Distance
L1Distance L1Norm L1Normalize L2Distance L2DistanceTransposed L2DistanceTransposedQuantized L2Norm L2Normalize
L2SquaredDistance L2SquaredNorm LinfDistance LinfNorm LinfNormalize LpDistance LpNorm LpNormalize cosineDistance
cosineDistanceTransposed cosineDistanceTransposedQuantized dotProductTransposed dotProductTransposedQuantized
# Encoding
bin bitPositionsToArray bitmaskToArray bitmaskToList char hex hilbertDecode hilbertEncode mortonDecode
mortonEncode sqidDecode sqidEncode unbin unhex
# Hash
MD4 MD5 RIPEMD160 SHA1 SHA224 SHA256 SHA384 SHA512 SHA512_256 URLHash cityHash64 halfMD5 intHash32 intHash64
javaHash javaHashUTF16LE keccak256 murmurHash2_32 murmurHash2_64 murmurHash3_128 murmurHash3_32 murmurHash3_64
sipHash128 sipHash64 wyHash64 xxHash32 xxHash64 xxHash64Spark xxh3 xxh3_128
# IP Address
IPv4CIDRToRange IPv4NumToString IPv4NumToStringClassC IPv4StringToNum IPv4StringToNumOrDefault
IPv4StringToNumOrNull IPv4ToIPv6 IPv6CIDRToRange IPv6NumToString IPv6StringToNum IPv6StringToNumOrDefault
IPv6StringToNumOrNull cutIPv6 isIPAddressInRange isIPv4String isIPv6String toIPv4 toIPv4OrDefault toIPv4OrNull
toIPv4OrZero toIPv6 toIPv6OrDefault toIPv6OrNull toIPv6OrZero
# JSON
JSONAllPaths JSONAllPathsWithTypes JSONAllValues JSONArrayLength JSONExtract JSONExtractArrayRaw
JSONExtractArrayRawCaseInsensitive JSONExtractBool JSONExtractBoolCaseInsensitive JSONExtractCaseInsensitive
JSONExtractFloat JSONExtractFloatCaseInsensitive JSONExtractInt JSONExtractIntCaseInsensitive JSONExtractKeys
JSONExtractKeysAndValues JSONExtractKeysAndValuesCaseInsensitive JSONExtractKeysAndValuesRaw
JSONExtractKeysAndValuesRawCaseInsensitive JSONExtractKeysCaseInsensitive JSONExtractRaw
JSONExtractRawCaseInsensitive JSONExtractString JSONExtractStringCaseInsensitive JSONExtractUInt
JSONExtractUIntCaseInsensitive JSONHas JSONLength JSONMergePatch JSONType JSON_EXISTS JSON_QUERY JSON_VALUE
isValidJSON prettyPrintJSON simpleJSONExtractBool simpleJSONExtractFloat simpleJSONExtractInt
simpleJSONExtractRaw simpleJSONExtractString simpleJSONExtractUInt simpleJSONHas toJSONString
# Logical
and not or xor
# Map
extractKeyValuePairs extractKeyValuePairsWithEscaping map mapAdd mapAll mapApply mapConcat mapContainsKey
mapContainsKeyLike mapContainsValue mapContainsValueLike mapExists mapExtractKeyLike mapExtractValueLike
mapFilter mapFromArrays mapKeys mapPartialReverseSort mapPartialSort mapPopulateSeries mapReverseSort mapSort
mapSubtract mapUpdate mapValues
# Mathematical
acos acosh asin asinh atan atan2 atanh cbrt cos cosh degrees e erf erfc exp exp10 exp2 factorial hypot intExp10
intExp2 isPrime isProbablePrime lgamma log log10 log1p log2 pi pow proportionsZTest radians sigmoid sign sin
sinh sqrt tan tanh tgamma widthBucket
# Null
assumeNotNull coalesce firstNonDefault ifNull isNotNull isNull isNullable isZeroOrNull nullIf toNullable
# Rounding
ceil floor round roundAge roundBankers roundDown roundDuration roundToExp2 trunc
# String
CRC32 CRC32IEEE CRC64 appendTrailingCharIfAbsent ascii base32Decode base32Encode base58Decode base58Encode
base64Decode base64Encode base64URLDecode base64URLEncode basename byteHammingDistance caseFoldUTF8
compareSubstrings concat concatAssumeInjective concatWithSeparator concatWithSeparatorAssumeInjective conv
convertCharset damerauLevenshteinDistance decodeHTMLComponent decodeXMLComponent editDistance editDistanceUTF8
encodeXMLComponent endsWith endsWithCaseInsensitive endsWithCaseInsensitiveUTF8 endsWithUTF8 extractTextFromHTML
firstLine initcap initcapUTF8 isValidASCII isValidUTF8 jaroSimilarity jaroWinklerSimilarity left leftPad
leftPadUTF8 leftUTF8 lengthUTF8 lower lowerUTF8 naturalSortKey normalizeUTF8NFC normalizeUTF8NFD
normalizeUTF8NFKC normalizeUTF8NFKCCasefold normalizeUTF8NFKD regexpExtract regexpPosition removeDiacriticsUTF8
repeat reverseUTF8 right rightPad rightPadUTF8 rightUTF8 soundex space startsWith startsWithCaseInsensitive
startsWithCaseInsensitiveUTF8 startsWithUTF8 stringBytesEntropy stringBytesUniq stringJaccardIndex
stringJaccardIndexUTF8 substring substringIndex substringIndexUTF8 substringUTF8 toValidUTF8 trimBoth trimLeft
trimRight tryBase32Decode tryBase58Decode tryBase64Decode tryBase64URLDecode upper upperUTF8
# String Replacement
format overlay overlayUTF8 regexpQuoteMeta replaceAll replaceOne replaceRegexpAll replaceRegexpOne translate
translateUTF8
# String Search
countMatches countMatchesCaseInsensitive countSubstrings countSubstringsCaseInsensitive
countSubstringsCaseInsensitiveUTF8 extract extractAll extractAllGroupsHorizontal extractGroups hasAllTokens
hasAnyTokens hasPhrase hasSubsequence hasSubsequenceCaseInsensitive hasSubsequenceCaseInsensitiveUTF8
hasSubsequenceUTF8 hasToken hasTokenCaseInsensitive hasTokenCaseInsensitiveOrNull hasTokenOrNull highlight ilike
like locate match matchCaseInsensitive multiMatchAllIndices multiMatchAny multiMatchAnyIndex
multiSearchAllPositions multiSearchAllPositionsCaseInsensitive multiSearchAllPositionsCaseInsensitiveUTF8
multiSearchAllPositionsUTF8 multiSearchAny multiSearchAnyCaseInsensitive multiSearchAnyCaseInsensitiveUTF8
multiSearchAnyUTF8 multiSearchFirstIndex multiSearchFirstIndexCaseInsensitive
multiSearchFirstIndexCaseInsensitiveUTF8 multiSearchFirstIndexUTF8 multiSearchFirstPosition
multiSearchFirstPositionCaseInsensitive multiSearchFirstPositionCaseInsensitiveUTF8 multiSearchFirstPositionUTF8
notILike notLike notMatch notMatchCaseInsensitive position positionCaseInsensitive positionCaseInsensitiveUTF8
positionUTF8
# String Splitting
alphaTokens arrayStringConcat extractAllGroupsVertical reverseBySeparator splitByChar splitByNonAlpha
splitByRegexp splitByString splitByWhitespace tokens tokensForLikePattern
# Time Window
hop hopEnd hopStart tumble tumbleEnd tumbleStart
# Tuple
dotProduct flattenTuple tuple tupleConcat tupleDivide tupleElement tupleHammingDistance tupleIntDiv
tupleIntDivOrZero tupleMinus tupleModulo tupleMultiply tupleNames tupleNegate tuplePlus tupleToNameValuePairs
# Type Conversion
CAST DATE fromUnixTimestamp64Micro fromUnixTimestamp64Milli fromUnixTimestamp64Nano fromUnixTimestamp64Second
parseDateTime parseDateTime32BestEffort parseDateTime32BestEffortOrNull parseDateTime32BestEffortOrZero
parseDateTime64 parseDateTime64BestEffort parseDateTime64BestEffortOrNull parseDateTime64BestEffortOrZero
parseDateTime64OrNull parseDateTime64OrZero parseDateTimeBestEffort parseDateTimeBestEffortOrNull
parseDateTimeBestEffortOrZero parseDateTimeBestEffortUS parseDateTimeBestEffortUSOrNull
parseDateTimeBestEffortUSOrZero parseDateTimeOrNull parseDateTimeOrZero reinterpret reinterpretAsInt16
reinterpretAsInt32 reinterpretAsInt64 reinterpretAsInt8 reinterpretAsString reinterpretAsUInt16
reinterpretAsUInt32 reinterpretAsUInt64 reinterpretAsUInt8 reinterpretAsUUID toBool toDate toDate32
toDate32OrDefault toDate32OrNull toDate32OrZero toDateOrDefault toDateOrNull toDateOrZero toDateTime
toDateTime32 toDateTime64 toDateTime64OrDefault toDateTime64OrNull toDateTime64OrZero toDateTimeOrDefault
toDateTimeOrNull toDateTimeOrZero toDecimal32 toDecimal32OrDefault toDecimal32OrNull toDecimal32OrZero
toDecimal64 toDecimal64OrDefault toDecimal64OrNull toDecimal64OrZero toDecimalString toFixedString toFloat32
toFloat32OrDefault toFloat32OrNull toFloat32OrZero toFloat64 toFloat64OrDefault toFloat64OrNull toFloat64OrZero
toInt16 toInt16OrDefault toInt16OrNull toInt16OrZero toInt32 toInt32OrDefault toInt32OrNull toInt32OrZero
toInt64 toInt64OrDefault toInt64OrNull toInt64OrZero toInt8 toInt8OrDefault toInt8OrNull toInt8OrZero toInterval
toIntervalDay toIntervalHour toIntervalMicrosecond toIntervalMillisecond toIntervalMinute toIntervalMonth
toIntervalNanosecond toIntervalQuarter toIntervalSecond toIntervalWeek toIntervalYear toLowCardinality toString
toStringCutToZero toTime toTime64 toTime64OrNull toTime64OrZero toTimeOrNull toTimeOrZero toUInt16
toUInt16OrDefault toUInt16OrNull toUInt16OrZero toUInt32 toUInt32OrDefault toUInt32OrNull toUInt32OrZero
toUInt64 toUInt64OrDefault toUInt64OrNull toUInt64OrZero toUInt8 toUInt8OrDefault toUInt8OrNull toUInt8OrZero
toUUID toUUIDOrZero toUnixTimestamp64Micro toUnixTimestamp64Milli toUnixTimestamp64Nano toUnixTimestamp64Second
# URL
URLHierarchy URLPathHierarchy cutFragment cutQueryString cutQueryStringAndFragment
cutToFirstSignificantSubdomain cutURLParameter cutWWW decodeURLComponent decodeURLFormComponent domain
domainWithoutWWW encodeURLComponent encodeURLFormComponent extractURLParameter extractURLParameterNames
extractURLParameters firstSignificantSubdomain fragment netloc path pathFull port protocol queryString
queryStringAndFragment topLevelDomain
# UUID
UUIDNumToString UUIDStringToNum UUIDv7ToDateTime dateTimeToUUIDv7 generateUUIDv4 generateUUIDv7 toUUIDOrDefault
toUUIDOrNull
# Others
array bar byteSize currentDatabase currentUser formatReadableDecimalSize formatReadableQuantity
formatReadableSize formatReadableTimeDelta identity ignore isConstant materialize neighbor
parseTimeDelta parseReadableSize rowNumberInAllBlocks runningDifference toTypeName transform version
visibleWidth lambda exists rand rand64 grouping
"""

_AGGREGATE: Final = """
any anyHeavy anyLast anyLast_respect_nulls any_respect_nulls approx_top_k approx_top_sum argAndMax argAndMin
argMax argMin avg avgWeighted boundingRatio corr corrMatrix corrStable count covarPop covarPopMatrix
covarPopStable covarSamp covarSampMatrix covarSampStable cume_dist deltaSum denseRank entropy
exponentialMovingAverage gini groupArray groupArrayInsertAt groupArrayIntersect groupArrayLast
groupArrayMovingAvg groupArrayMovingSum groupArraySample groupArraySorted groupBitAnd groupBitOr groupBitXor
groupBitmap groupBitmapAnd groupBitmapOr groupBitmapXor groupConcat groupUniqArray histogram kurtPop kurtSamp
lag lagInFrame lead leadInFrame max maxIntersections maxIntersectionsPosition min nonNegativeDerivative
nth_value ntile percentRank quantile quantileDeterministic quantileExact quantileExactExclusive
quantileExactHigh quantileExactInclusive quantileExactLow quantileTDigest quantileTiming quantiles
quantilesDeterministic quantilesExact quantilesExactExclusive quantilesExactHigh quantilesExactInclusive
quantilesExactLow quantilesTDigest quantilesTiming rank rankCorr regr_avgx regr_avgy regr_count regr_intercept
regr_r2 regr_slope regr_sxx regr_sxy regr_syy retention row_number sequenceCount sequenceMatch
sequenceMatchEvents sequenceNextNode singleValueOrNull skewPop skewSamp stddevPop stddevPopStable stddevSamp
stddevSampStable sum sumCount sumKahan sumMapWithOverflow sumMappedArrays sumWithOverflow topK topKWeighted uniq
uniqCombined uniqCombined64 uniqExact uniqHLL12 uniqUpTo varPop varPopStable varSamp varSampStable windowFunnel
"""


def _names(text: str) -> frozenset[str]:
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return frozenset(name.lower() for line in lines for name in line.split())


SCALAR: Final = _names(_SCALAR)
AGGREGATE: Final = _names(_AGGREGATE)

COMBINATORS: Final = (
    "if",
    "array",
    "map",
    "foreach",
    "distinct",
    "ordefault",
    "ornull",
    "resample",
    "argmin",
    "argmax",
    "state",
    "simplestate",
    "merge",
    "mergestate",
)
"""What the engine lets stand behind the name of an aggregate, several of them too."""


def is_allowed(name: str) -> bool:
    """Whether a statement may name this function, whatever its case, with combinators where it aggregates."""
    name = name.lower()
    if name in SCALAR:
        return True
    left = {name}
    while left:
        if left & AGGREGATE:
            return True
        left = {one.removesuffix(end) for one in left for end in COMBINATORS if one.endswith(end)}
    return False
