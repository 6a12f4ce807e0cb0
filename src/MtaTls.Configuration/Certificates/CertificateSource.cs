using Microsoft.Extensions.Logging;

namespace MtaTls.Configuration;

/// <summary>
/// Where a certificate comes from, asked for each handshake: a file that is read again when it changes, a store that is searched again, or an object. Two sources are equal when
/// they are described alike.
/// </summary>
internal abstract class CertificateSource(CertificateDescription description) : ICertificateSource, IEquatable<CertificateSource>
{
    public CertificateDescription Description => description;

    /// <summary>The certificate as it is now. The same object while it has not changed. Never throws: what cannot be read leaves the certificate as it was.</summary>
    public abstract LoadedCertificate Current { get; }

    /// <summary>Makes the source that options describe, and reads the certificate once.</summary>
    /// <param name="description">What is configured.</param>
    /// <param name="key">The key of its section, for errors and logs.</param>
    /// <param name="purpose">What the certificate is for.</param>
    /// <param name="logger">Where changes are reported.</param>
    /// <param name="time">The clock.</param>
    /// <param name="errors">Where errors go.</param>
    /// <returns>The source; null where none is configured, or with errors.</returns>
    public static CertificateSource? Create(CertificateDescription description, string key, CertificatePurpose purpose, ILogger logger, TimeProvider time, ErrorList errors)
    {
        if ((description.IsFile ? 1 : 0) + (description.IsStore ? 1 : 0) + (description.Given is null ? 0 : 1) > 1)
        {
            errors.Add(key, "names more than one of a file (Path), a store (Subject, Thumbprint) and a given certificate.");
            return null;
        }

        if (!description.IsFile && description.KeyPath is not null)
        {
            errors.Add($"{key}:{nameof(CertificateOptions.Path)}", "is missing beside KeyPath.");
            return null;
        }

        try
        {
            return description switch
            {
                { IsFile: true } => new FileCertificateSource(description, key, logger),
                { IsStore: true } => new StoreCertificateSource(description, key, purpose, logger, time),
                { Given: not null } => new GivenCertificateSource(description),
                _ => null,
            };
        }
        catch (CertificateException e)
        {
            errors.Add(e.Key(key), e.Message);
            return null;
        }
    }

    public bool Equals(CertificateSource? other) => other is not null && description == other.Description;

    public override bool Equals(object? obj) => Equals(obj as CertificateSource);

    public override int GetHashCode() => description.GetHashCode();
}
