using Microsoft.Extensions.Logging;

namespace MtaTls.Configuration;

/// <summary>A certificate in files. Each handshake checks whether the files have changed, and then reads them again.</summary>
internal sealed class FileCertificateSource : CertificateSource
{
    private readonly string _key;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();

    // Guarded by _lock.
    private (FileStamp Certificate, FileStamp Key) _stamp;
    private volatile LoadedCertificate _current;

    /// <exception cref="CertificateException">The certificate cannot be read.</exception>
    public FileCertificateSource(CertificateDescription description, string key, ILogger logger)
        : base(description)
    {
        _key = key;
        _logger = logger;
        _stamp = Stamp();
        _current = Load();
    }

    public override LoadedCertificate Current
    {
        get
        {
            // While one handshake reads the files, others get the previous certificate and do not wait.
            if (_lock.TryEnter())
            {
                try
                {
                    Refresh();
                }
                finally
                {
                    _lock.Exit();
                }
            }

            return _current;
        }
    }

    private void Refresh()
    {
        (FileStamp Certificate, FileStamp Key) stamp = Stamp();
        if (stamp == _stamp)
        {
            return;
        }

        // Certificate and key are seldom replaced at the same moment. When they do not fit together now, they are read again when one of them changes again.
        _stamp = stamp;
        try
        {
            _current = Load();
            _logger.CertificateReloaded(_key, _current.Certificate.Thumbprint, _current.Certificate.NotAfter);
        }
        catch (CertificateException e)
        {
            _logger.CertificateNotReloaded(e.Key(_key), e.Message);
        }
    }

    private (FileStamp Certificate, FileStamp Key) Stamp() => (FileStamp.Of(Description.Path), FileStamp.Of(Description.KeyPath));

    private LoadedCertificate Load() => CertificateFiles.Load(Description.Path!, Description.KeyPath, Description.Password);
}
