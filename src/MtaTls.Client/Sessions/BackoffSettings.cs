namespace MtaTls.Client.Sessions;

/// <summary>A copy of <see cref="MtaTlsReconnectOptions"/>, compared by value.</summary>
internal readonly record struct BackoffSettings(TimeSpan InitialDelay, TimeSpan MaxDelay, double Jitter, TimeSpan WaitTimeout)
{
    public static BackoffSettings From(MtaTlsReconnectOptions options) => new(options.InitialDelay, options.MaxDelay, options.Jitter, options.WaitTimeout);
}
