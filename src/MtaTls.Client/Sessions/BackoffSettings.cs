namespace MtaTls.Client.Sessions;

/// <summary>The values of <see cref="MtaTlsReconnectOptions"/> as they were when the options were first used.</summary>
internal readonly record struct BackoffSettings(TimeSpan InitialDelay, TimeSpan MaxDelay, double Jitter, TimeSpan WaitTimeout)
{
    public static BackoffSettings From(MtaTlsReconnectOptions options) => new(options.InitialDelay, options.MaxDelay, options.Jitter, options.WaitTimeout);
}
