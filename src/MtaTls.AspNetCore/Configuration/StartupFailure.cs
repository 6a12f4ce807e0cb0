namespace MtaTls.AspNetCore.Configuration;

/// <summary>Why the server must not start. Kestrel reads its options when the application is built; nothing that is logged then is certain to be written.</summary>
internal sealed class StartupFailure
{
    private volatile Exception? _exception;

    public Exception? Exception
    {
        get => _exception;
        set => _exception = value;
    }
}
