"""The keys of settings that DHIS2 2.42 knows, with the type and default of each (Web API, "Settings")."""

from dataclasses import dataclass
from typing import TypeAlias

Value: TypeAlias = str | bool | int | float | None


@dataclass(frozen=True, slots=True)
class Key:
    """A setting: its default gives its type, None a text without a default. `secret` ones are never given back."""

    default: Value = None
    secret: bool = False

    def read(self, text: str) -> Value:
        """Return the value that `text` means. Raises `ValueError` when it is none of the key's type."""
        if isinstance(self.default, bool):
            if text.strip().lower() not in ("true", "false"):
                raise ValueError("true or false")
            return text.strip().lower() == "true"
        if isinstance(self.default, int):
            return int(text)
        if isinstance(self.default, float):
            return float(text)
        return text


# Languages that the interface and the translations of metadata may have.
LOCALES: dict[str, str] = {
    "ar": "Arabic",
    "bn": "Bengali",
    "ckb": "Central Kurdish",
    "cs": "Czech",
    "da": "Danish",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "id": "Indonesian",
    "km": "Khmer",
    "lo": "Lao",
    "my": "Burmese",
    "nb": "Norwegian Bokmål",
    "nl": "Dutch",
    "prs": "Dari",
    "ps": "Pashto",
    "pt": "Portuguese",
    "pt_BR": "Portuguese (Brazil)",
    "ro": "Romanian",
    "ru": "Russian",
    "rw": "Kinyarwanda",
    "si": "Sinhala",
    "sv": "Swedish",
    "sw": "Swahili",
    "tet": "Tetum",
    "tg": "Tajik",
    "uk": "Ukrainian",
    "ur": "Urdu",
    "uz": "Uzbek",
    "vi": "Vietnamese",
    "zh": "Chinese",
}

# What every user may choose; a user who chose nothing has the system's value.
USER: dict[str, Key] = {
    "keyUiLocale": Key("en"),
    "keyDbLocale": Key("en"),
    "keyStyle": Key("light_blue/light_blue.css"),
    "keyAnalysisDisplayProperty": Key("name"),
    "keyMessageEmailNotification": Key(default=True),
    "keyMessageSmsNotification": Key(default=True),
    "keyTrackerDashboardLayout": Key(),
}

SYSTEM: dict[str, Key] = {
    **USER,
    "KeyTrackedEntityMaxLimit": Key(50_000),
    "KeyTrackedEntityPageSize": Key(50),
    "accountExpiresInDays": Key(7),
    "accountExpiryAlert": Key(default=False),
    "analyticsFinancialYearStart": Key("FINANCIAL_YEAR_OCTOBER"),
    "analyticsWeeklyStart": Key("WEEKLY"),
    "applicationTitle": Key("Tracker Hub"),
    "credentialsExpires": Key(0),
    "credentialsExpiryAlert": Key(default=False),
    "factorDeviation": Key(2.0),
    "googleAnalyticsUA": Key(),
    "helpPageLink": Key("https://docs.dhis2.org/en/use/user-guides.html"),
    "keyAcceptanceRequiredForApproval": Key(default=False),
    "keyAccountRecovery": Key(default=False),
    "keyAllowObjectAssignment": Key(default=False),
    "keyAnalysisDigitGroupSeparator": Key("SPACE"),
    "keyAnalysisRelativePeriod": Key("LAST_12_MONTHS"),
    "keyAnalyticsCacheProgressiveTtlFactor": Key(160),
    "keyAnalyticsCacheTtlMode": Key("FIXED"),
    "keyAnalyticsMaintenanceMode": Key(default=False),
    "keyAnalyticsMaxLimit": Key(100_000),
    "keyApplicationFooter": Key(),
    "keyApplicationIntro": Key(),
    "keyApplicationNotification": Key(),
    "keyApplicationRightFooter": Key(),
    "keyAzureMapsApiKey": Key(),
    "keyBingMapsApiKey": Key(),
    "keyCacheStrategy": Key("CACHE_1_MINUTE"),
    "keyCacheability": Key("PUBLIC"),
    "keyCalendar": Key("iso8601"),
    "keyCanGrantOwnUserAuthorityGroups": Key(default=False),
    "keyCustomColorMobile": Key(),
    "keyCustomCss": Key(),
    "keyCustomJs": Key(),
    "keyCustomLoginPageLogo": Key(default=False),
    "keyCustomTopMenuLogo": Key(default=False),
    "keyCustomTranslationsEnabled": Key(default=False),
    "keyDateFormat": Key("yyyy-MM-dd"),
    "keyDatabaseServerCpus": Key(0),
    "keyDefaultBaseMap": Key("osmLight"),
    "keyEmailHostName": Key(),
    "keyEmailPassword": Key(secret=True),
    "keyEmailPort": Key(587),
    "keyEmailSender": Key(),
    "keyEmailTls": Key(default=True),
    "keyEmailUsername": Key(),
    "keyFlag": Key("dhis2"),
    "keyFlagImage": Key(),
    "keyGoogleMapsApiKey": Key(),
    "keyHideBiMonthlyPeriods": Key(default=False),
    "keyHideBiWeeklyPeriods": Key(default=False),
    "keyHideDailyPeriods": Key(default=False),
    "keyHideMonthlyPeriods": Key(default=False),
    "keyHideUnapprovedDataInAnalytics": Key(default=False),
    "keyHideWeeklyPeriods": Key(default=False),
    "keyIgnoreAnalyticsApprovalYearThreshold": Key(-1),
    "keyIncludeZeroValuesInAnalytics": Key(default=False),
    "keyLockMultipleFailedLogins": Key(default=False),
    "keyParallelJobsInAnalyticsTableExport": Key(-1),
    "keyRemoteInstancePassword": Key(secret=True),
    "keyRemoteInstanceUrl": Key(),
    "keyRemoteInstanceUsername": Key(),
    "keyRequireAddToView": Key(default=False),
    "keySelfRegistrationNoRecaptcha": Key(default=False),
    "keyUseCustomLogoBanner": Key(default=False),
    "keyUseCustomLogoFront": Key(default=False),
    "loginPopup": Key(),
    "maxPasswordLength": Key(72),
    "minPasswordLength": Key(8),
    "multiOrganisationUnitForms": Key(default=False),
    "offlineOrganisationUnitLevel": Key(),
    "phoneNumberAreaCode": Key(),
    "recaptchaSecret": Key(secret=True),
    "recaptchaSite": Key(),
    "ruleEngineAssignOverwrite": Key(default=False),
    "startModule": Key("dhis-web-dashboard"),
}
