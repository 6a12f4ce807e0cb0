using System.Security.Cryptography.X509Certificates;
using S = MtaTls.Configuration.Settings<MtaTls.Configuration.CertificateOptions>;

namespace MtaTls.Configuration;

/// <summary>The settings of a certificate. Every section with a certificate uses this table.</summary>
internal static class CertificateSettings
{
    public static SettingTable<CertificateOptions> Table { get; } = new(
    [
        S.File(
            nameof(CertificateOptions.Path), "A PEM file with the certificate, then its intermediates, or a PKCS#12 file. Relative to the content root.", o => o.Path, (o, v) => o.Path = v),
        S.File(
            nameof(CertificateOptions.KeyPath), "The PEM file of the private key, if it is not in Path.", o => o.KeyPath, (o, v) => o.KeyPath = v),
        S.Text(
            nameof(CertificateOptions.Password), "The password of an encrypted private key or of a PKCS#12 file.", o => o.Password, (o, v) => o.Password = v),
        S.Text(
            nameof(CertificateOptions.Subject), "The subject of a certificate in a store, or a part of it.", o => o.Subject, (o, v) => o.Subject = v),
        S.Text(
            nameof(CertificateOptions.Thumbprint), "The SHA-1 thumbprint of a certificate in a store.", o => o.Thumbprint, (o, v) => o.Thumbprint = v, pattern: "^[0-9A-Fa-f]{40}$"),
        S.Text(
            nameof(CertificateOptions.Store), "The store's name.", o => o.Store, (o, v) => o.Store = v, defaultText: nameof(StoreName.My)),
        S.Choice<StoreLocation>(
            nameof(CertificateOptions.Location), "The store's location.", o => o.Location, (o, v) => o.Location = v, defaultText: nameof(StoreLocation.CurrentUser)),
        S.Boolean(
            nameof(CertificateOptions.AllowInvalid), "Whether a certificate from a store may be invalid, for example because it is self-signed.", o => o.AllowInvalid, (o, v) => o.AllowInvalid = v),
    ]);
}
