namespace MtaTls.Dashboard.Sampling;

/// <summary>One second of the charts.</summary>
/// <param name="Time">Seconds since 1970.</param>
/// <param name="Sessions">Open sessions.</param>
/// <param name="Channels">Open channels.</param>
/// <param name="In">Channel data received, in bits per second.</param>
/// <param name="Out">Channel data sent, in bits per second.</param>
/// <param name="Opens">Opened channels per second.</param>
/// <param name="Refused">Refused channels per second.</param>
/// <param name="Handshakes">Successful handshakes per second.</param>
/// <param name="Failures">Failed handshakes per second.</param>
internal sealed record Point(double Time, int Sessions, int Channels, double In, double Out, double Opens, double Refused, double Handshakes, double Failures);
