namespace MtaTls.Tool.Output;

/// <summary>The exit codes of the command: one for each step that can fail.</summary>
internal static class ExitCode
{
    public const int Success = 0;
    public const int Failure = 1;
    public const int Usage = 2;
    public const int NameNotFound = 10;
    public const int NotReachable = 11;
    public const int TlsFailed = 12;
    public const int CertificateRefused = 13;
    public const int NotMultiplexed = 14;
    public const int ChannelRefused = 15;
    public const int SessionLost = 16;
    public const int CannotListen = 17;
    public const int RegistrationRefused = 18;
    public const int Interrupted = 130;

    /// <summary>The name of a code's step in JSON output.</summary>
    public static string Step(int code) => code switch
    {
        Success => "done",
        Usage => "usage",
        NameNotFound => "name",
        NotReachable => "connect",
        TlsFailed => "tls",
        CertificateRefused => "certificate",
        NotMultiplexed => "extension",
        ChannelRefused => "open",
        SessionLost => "session",
        CannotListen => "listen",
        RegistrationRefused => "registration",
        Interrupted => "interrupted",
        _ => "failure",
    };
}
