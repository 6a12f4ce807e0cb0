namespace MtaTls.Tls;

/// <summary>Appends session keys to a file that only its owner may read, in the SSLKEYLOGFILE format.</summary>
internal sealed class KeyLog(string path) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly FileStream _file = Open(path);

    public void Write(ReadOnlySpan<byte> line)
    {
        lock (_gate)
        {
            try
            {
                _file.Write([.. line, (byte)'\n']);
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // A debugging aid that fails must not end the sessions of the application.
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _file.Dispose();
        }
    }

    private static FileStream Open(string path)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.Append,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return new FileStream(path, options);
    }
}
