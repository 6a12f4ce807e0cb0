namespace MtaTls.AspNetCore.Configuration;

/// <summary>The error for which the server must not start. It is kept until the host starts, because Kestrel reads its options while the application is built, when a log entry may be lost.</summary>
internal sealed class StartupFailure
{
    private volatile Exception? _exception;

    public Exception? Exception
    {
        get => _exception;
        set => _exception = value;
    }
}
