namespace MtaTls.Dashboard.Sampling;

/// <summary>One second of the charts.</summary>
/// <param name="Time">Seconds since 1970.</param>
/// <param name="Sessions">Sessions that are open.</param>
/// <param name="Channels">Channels that are open.</param>
/// <param name="In">Bits of channel data received a second.</param>
/// <param name="Out">Bits of channel data sent a second.</param>
/// <param name="Opens">Channels opened a second.</param>
/// <param name="Refused">Channels refused a second.</param>
/// <param name="Handshakes">Handshakes that succeeded a second.</param>
/// <param name="Failures">Handshakes that failed a second.</param>
internal sealed record Point(double Time, int Sessions, int Channels, double In, double Out, double Opens, double Refused, double Handshakes, double Failures);
