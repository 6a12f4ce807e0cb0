using Microsoft.Extensions.Logging;

namespace MtaTls.Configuration;

/// <summary>
/// Provides a certificate for each handshake: from a file that is read again when it changes, from a store that is searched again, or from an object. Two sources are equal when
/// their descriptions are equal.
/// </summary>
internal abstract class CertificateSource(CertificateDescription description) : ICertificateSource, IEquatable<CertificateSource>
{
    public CertificateDescription Description => description;

    /// <summary>The current certificate. It is the same object until the certificate changes. Never throws: when a changed certificate cannot be read, the previous one stays.</summary>
    public abstract LoadedCertificate Current { get; }

    /// <summary>Creates the source of a description, and reads the certificate once.</summary>
    /// <param name="description">The configured certificate.</param>
    /// <param name="key">The key of its section, for errors and logs.</param>
    /// <param name="purpose">How the certificate is used.</param>
    /// <param name="logger">The logger for later changes.</param>
    /// <param name="time">The clock.</param>
    /// <param name="errors">The list to add errors to.</param>
    /// <returns>The source; null when no certificate is configured, and when it cannot be read.</returns>
    public static CertificateSource? Create(CertificateDescription description, string key, CertificatePurpose purpose, ILogger logger, TimeProvider time, ErrorList errors)
    {
        if ((description.IsFile ? 1 : 0) + (description.IsStore ? 1 : 0) + (description.Given is null ? 0 : 1) > 1)
        {
            errors.Add(key, "has more than one certificate. Set only one of a file (Path), a store (Subject, Thumbprint) and an object (Certificate, in code).");
            return null;
        }

        if (!description.IsFile && description.KeyPath is not null)
        {
            errors.Add($"{key}:{nameof(CertificateOptions.Path)}", "is missing: KeyPath is set. Set the path of the certificate's file too.");
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
