namespace MtaTls.QuicTunnel.Diagnostics;

/// <summary>Limits how often a warning is logged that clients cause: ten times a second. Metrics count each case.</summary>
internal sealed class LogRate(TimeProvider time) : SharedRate(perSecond: 10, time);
